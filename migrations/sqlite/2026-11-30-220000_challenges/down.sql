DROP TABLE challenge_decisions;
DROP TABLE challenges;
