//! A small flow network in exact integers: proves an allocation optimal, breaks ties, prices trucks.
//!
//! The linear programme finds a good flow in floating point. Here its integer form is improved along
//! cycles that cost less than nothing until none is left, which is the proof of optimality; the
//! shortest paths that remain are the exact duals.
#![expect(
    clippy::indexing_slicing,
    reason = "nodes and arcs are numbered by this module and never removed; get() everywhere would hide the algorithm"
)]

use std::collections::VecDeque;

/// Costs compare in order: money (millionths), then the tie-breaks.
pub(super) type Cost = [i128; 3];

/// The node where all loads come from and go back to.
pub(super) const HUB: usize = 0;

const FREE: Cost = [0; 3];

#[derive(Clone, Debug)]
pub(super) struct Arc {
    pub from: usize,
    pub to: usize,
    pub capacity: i64,
    pub flow: i64,
    pub cost: Cost,
}

/// One direction of an arc that still has room.
#[derive(Clone, Copy)]
struct Step {
    arc: usize,
    forward: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Network {
    pub nodes: usize,
    pub arcs: Vec<Arc>,
}

fn add(a: Cost, b: Cost) -> Cost {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

fn negated(a: Cost) -> Cost {
    [-a[0], -a[1], -a[2]]
}

impl Network {
    pub(super) fn new(nodes: usize) -> Self {
        Self { nodes, arcs: Vec::new() }
    }

    /// Returns the number of the new arc.
    pub(super) fn add(&mut self, from: usize, to: usize, capacity: i64, cost: Cost) -> usize {
        self.arcs.push(Arc { from, to, capacity, flow: 0, cost });
        self.arcs.len() - 1
    }

    /// Cancels negative cycles until none is left (true) or `limit` rounds are over (false).
    pub(super) fn improve(&mut self, limit: usize) -> bool {
        for _ in 0..limit {
            let Err(cycles) = self.shortest(None) else { return true };
            for cycle in cycles {
                self.push(&cycle, i64::MAX);
            }
        }
        self.shortest(None).is_ok()
    }

    /// Cheapest residual cost from `source` to every node, `None` where there is no way.
    /// Only meaningful once [`Self::improve`] has proved optimality.
    pub(super) fn distances(&self, source: usize) -> Vec<Option<Cost>> {
        self.shortest(Some(source)).unwrap_or_else(|_| vec![None; self.nodes])
    }

    /// Bellman–Ford; without a source from everywhere at once. Negative cycles are the error.
    fn shortest(&self, source: Option<usize>) -> Result<Vec<Option<Cost>>, Vec<Vec<Step>>> {
        let start = |node| (source.is_none() || source == Some(node)).then_some(FREE);
        let mut distance: Vec<Option<Cost>> = (0..self.nodes).map(start).collect();
        let mut reached_by: Vec<Option<Step>> = vec![None; self.nodes];
        for _ in 0..=self.nodes {
            let mut changed = false;
            for (number, arc) in self.arcs.iter().enumerate() {
                let forward = (arc.flow < arc.capacity, arc.from, arc.to, arc.cost, true);
                let backward = (arc.flow > 0, arc.to, arc.from, negated(arc.cost), false);
                for (open, from, to, cost, forward) in [forward, backward] {
                    let Some(base) = distance[from].filter(|_| open) else { continue };
                    let reach = add(base, cost);
                    if distance[to].is_none_or(|known| reach < known) {
                        distance[to] = Some(reach);
                        reached_by[to] = Some(Step { arc: number, forward });
                        changed = true;
                    }
                }
            }
            if !changed {
                return Ok(distance);
            }
            let cycles = self.cycles(&reached_by);
            if !cycles.is_empty() {
                return Err(cycles);
            }
        }
        Ok(distance)
    }

    /// The cycles among the predecessors: negative by construction, and without a common node, so
    /// that all of them can be cancelled at once.
    fn cycles(&self, reached_by: &[Option<Step>]) -> Vec<Vec<Step>> {
        let mut found = Vec::new();
        let mut seen_from = vec![usize::MAX; self.nodes];
        for start in 0..self.nodes {
            let mut node = start;
            while seen_from[node] == usize::MAX {
                seen_from[node] = start;
                let Some(step) = reached_by[node] else { break };
                node = self.tail(step);
            }
            if seen_from[node] != start {
                continue;
            }
            let (last, mut cycle) = (node, Vec::new());
            while let Some(step) = reached_by[node] {
                cycle.push(step);
                node = self.tail(step);
                if node == last {
                    found.push(std::mem::take(&mut cycle));
                    break;
                }
            }
        }
        found
    }

    fn tail(&self, step: Step) -> usize {
        let arc = &self.arcs[step.arc];
        if step.forward { arc.from } else { arc.to }
    }

    fn room(&self, step: Step) -> i64 {
        let arc = &self.arcs[step.arc];
        if step.forward { arc.capacity - arc.flow } else { arc.flow }
    }

    /// Moves as many loads as fit, at most `most`, along the steps.
    fn push(&mut self, steps: &[Step], most: i64) -> i64 {
        let loads = steps.iter().map(|&s| self.room(s)).min().unwrap_or(0).min(most);
        for step in steps {
            self.arcs[step.arc].flow += if step.forward { loads } else { -loads };
        }
        loads
    }

    /// Sends what waits at nodes to the hub as far as capacity allows, rerouting what is already
    /// placed (augmenting paths, so the total is the largest possible). Costs play no part.
    pub(super) fn cover(&mut self, waiting: &mut [i64]) {
        while let Some((start, steps)) = self.path_to_hub(waiting) {
            let loads = self.push(&steps, waiting[start]);
            waiting[start] -= loads;
        }
    }

    fn path_to_hub(&self, waiting: &[i64]) -> Option<(usize, Vec<Step>)> {
        let mut outgoing: Vec<Vec<Step>> = vec![Vec::new(); self.nodes];
        for (number, arc) in self.arcs.iter().enumerate() {
            if arc.flow < arc.capacity {
                outgoing[arc.from].push(Step { arc: number, forward: true });
            }
            if arc.flow > 0 {
                outgoing[arc.to].push(Step { arc: number, forward: false });
            }
        }
        let mut reached_by: Vec<Option<Step>> = vec![None; self.nodes];
        let mut seen: Vec<bool> = waiting.iter().map(|&w| w > 0).collect();
        let mut queue: VecDeque<usize> = (0..self.nodes).filter(|&n| seen[n]).collect();
        while let Some(node) = queue.pop_front() {
            for &step in &outgoing[node] {
                let arc = &self.arcs[step.arc];
                let head = if step.forward { arc.to } else { arc.from };
                if seen[head] {
                    continue;
                }
                seen[head] = true;
                reached_by[head] = Some(step);
                if head == HUB {
                    return Some(self.walk_back(&reached_by));
                }
                queue.push_back(head);
            }
        }
        None
    }

    fn walk_back(&self, reached_by: &[Option<Step>]) -> (usize, Vec<Step>) {
        let (mut node, mut steps) = (HUB, Vec::new());
        while let Some(step) = reached_by[node] {
            steps.push(step);
            node = self.tail(step);
        }
        (node, steps)
    }
}
