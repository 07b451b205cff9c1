//! The wording of every message: a struct others fill, and three files each under `templates/mail/`.
//!
//! Values arrive as text, already formatted by the same functions the pages use, so a mail never
//! rounds differently. No rate and no amount of money goes into a body (DOMAIN §7.1).

use askama::Template;

use super::message::{Rendered, subject_line};

/// Why a message was not rendered.
#[derive(Debug, thiserror::Error)]
#[error("the message cannot be rendered: {0}")]
pub struct RenderError(#[from] askama::Error);

/// Binds a message to its three files.
macro_rules! message {
    ($name:ident, $subject:literal, $text:literal, $html:literal) => {
        impl $name {
            /// Subject, text and HTML of the message.
            ///
            /// # Errors
            /// [`RenderError`].
            pub fn render(&self) -> Result<Rendered, RenderError> {
                #[derive(Template)]
                #[template(path = $subject)]
                struct Subject<'a> {
                    m: &'a $name,
                }
                #[derive(Template)]
                #[template(path = $text)]
                struct Text<'a> {
                    m: &'a $name,
                }
                #[derive(Template)]
                #[template(path = $html)]
                struct Html<'a> {
                    m: &'a $name,
                }
                Ok(Rendered {
                    subject: subject_line(&Subject { m: self }.render()?),
                    text: Text { m: self }.render()?,
                    html: Html { m: self }.render()?,
                })
            }
        }
    };
}

/// One KPI in the headline of a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    /// The KPI's name.
    pub name: String,
    /// Its value, or `no data`.
    pub value: String,
    /// What it was to be.
    pub target: Option<String>,
    /// How many obligations it counts, formatted.
    pub n: String,
    /// Its interval, such as `93.1–96.4 %`.
    pub interval: Option<String>,
    /// One word or two: `on target`, `below target`, `too few to tell`.
    pub verdict: String,
}

/// A picture of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The part's name.
    pub content_id: String,
    /// The same in words, for readers without pictures.
    pub alt: String,
    /// Width in CSS pixels, at most 560.
    pub width: u32,
    /// Height in CSS pixels.
    pub height: u32,
}

/// The periodic review of one partner (DOMAIN §7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewMail {
    /// Who sends it: the shipper's name.
    pub sender: String,
    /// The partner.
    pub partner_name: String,
    /// The period in words, such as `June 2025`.
    pub period_title: String,
    /// The composite score, or `None` when there is too little data.
    pub composite: Option<String>,
    /// The standing in words.
    pub standing: String,
    /// How the composite moved, such as `up 1.2 since May 2025`.
    pub change: Option<String>,
    /// What a reader must know about the numbers: provisional, coverage.
    pub note: Option<String>,
    /// The three KPIs to look at first.
    pub headlines: Vec<Headline>,
    /// What stands over them.
    pub look: &'static str,
    /// The trend chart.
    pub chart: Option<Picture>,
    /// The address of the scorecard.
    pub link: String,
    /// When this replaces an earlier review: what changed, in words.
    pub restates: Option<String>,
}

message!(ReviewMail, "mail/review/subject.txt", "mail/review/body.txt", "mail/review/body.html");

/// One date of the contract calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarLine {
    /// What happens, such as `ends`, `notice must be given`.
    pub event: String,
    /// On which day.
    pub day: String,
    /// In how many days, in words, such as `in 30 days`.
    pub distance: String,
}

/// A contract has a date coming up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractNoticeMail {
    /// The contract's title or number.
    pub contract: String,
    /// The partner.
    pub partner_name: String,
    /// The dates, soonest first.
    pub lines: Vec<CalendarLine>,
    /// The address of the contract.
    pub link: String,
}

message!(
    ContractNoticeMail,
    "mail/contract_notice/subject.txt",
    "mail/contract_notice/body.txt",
    "mail/contract_notice/body.html"
);

/// A contract version took a step somebody waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractStepMail {
    /// The contract's number.
    pub contract: String,
    /// The partner, or what else it is about.
    pub partner_name: String,
    /// What happened, such as `Version 2 was signed`.
    pub heading: String,
    /// What the reader must know, one sentence each.
    pub lines: Vec<String>,
    /// The words on the link.
    pub action: String,
    /// The address to act at.
    pub link: String,
}

message!(
    ContractStepMail,
    "mail/contract_step/subject.txt",
    "mail/contract_step/body.txt",
    "mail/contract_step/body.html"
);

/// Something about a scorecard that one side must know: an exclusion decided, a challenge, a restatement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScorecardNoticeMail {
    /// The partner.
    pub partner_name: String,
    /// What happened, such as `June 2025 was restated`.
    pub heading: String,
    /// What the reader must know, one sentence each.
    pub lines: Vec<String>,
    /// The words on the link.
    pub action: String,
    /// The address to act at.
    pub link: String,
}

message!(
    ScorecardNoticeMail,
    "mail/scorecard_notice/subject.txt",
    "mail/scorecard_notice/body.txt",
    "mail/scorecard_notice/body.html"
);

/// What was accrued for a final period is told to the partner: which items, not how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssessmentMail {
    /// The partner.
    pub partner_name: String,
    /// The months it is about, in words, such as `June 2025`.
    pub months: String,
    /// What was assessed, one line for each period and clause.
    pub lines: Vec<String>,
    /// The address of the items.
    pub link: String,
}

message!(
    AssessmentMail,
    "mail/assessment/subject.txt",
    "mail/assessment/body.txt",
    "mail/assessment/body.html"
);

/// Items that the partner was told of changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssessmentChangeMail {
    /// The partner.
    pub partner_name: String,
    /// The contract's number.
    pub contract: String,
    /// What changed, one line for each period and clause.
    pub lines: Vec<String>,
    /// The address of the items.
    pub link: String,
}

message!(
    AssessmentChangeMail,
    "mail/assessment_change/subject.txt",
    "mail/assessment_change/body.txt",
    "mail/assessment_change/body.html"
);

/// A job failed and is not tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFailedMail {
    /// The job's title.
    pub job: String,
    /// When it was due, in words.
    pub due: String,
    /// How many times it was tried.
    pub attempts: i32,
    /// The last error.
    pub error: String,
    /// The address of the job's page.
    pub link: String,
}

message!(
    JobFailedMail,
    "mail/job_failed/subject.txt",
    "mail/job_failed/body.txt",
    "mail/job_failed/body.html"
);

#[cfg(test)]
mod tests {
    use super::*;

    fn review() -> ReviewMail {
        ReviewMail {
            sender: "Harbour Foods".into(),
            partner_name: "Ash & Oak <Freight>".into(),
            period_title: "June 2025".into(),
            composite: Some("86.4".into()),
            standing: "Core".into(),
            change: Some("up 1.2 since May 2025".into()),
            note: None,
            headlines: vec![Headline {
                name: "On-time delivery".into(),
                value: "94.8 %".into(),
                target: Some("96.0 %".into()),
                n: "1,204".into(),
                interval: Some("93.4–95.9 %".into()),
                verdict: "below target".into(),
            }],
            look: "Look at these first",
            chart: Some(Picture {
                content_id: "trend".into(),
                alt: "On-time delivery by week".into(),
                width: 560,
                height: 180,
            }),
            link: "https://lanemark.example/scorecards/1?period=2025-06".into(),
            restates: None,
        }
    }

    #[test]
    fn a_review_says_the_same_in_text_and_html() {
        let mail = review().render().unwrap();
        assert_eq!(mail.subject, "Ash & Oak <Freight>: review of June 2025");
        for words in ["86.4", "Core", "On-time delivery", "94.8 %", "1,204", "93.4–95.9 %", "below target"]
        {
            assert!(mail.text.contains(words), "no `{words}` in\n{}", mail.text);
            assert!(mail.html.contains(words), "no `{words}` in\n{}", mail.html);
        }
        assert!(mail.text.contains("https://lanemark.example/scorecards/1?period=2025-06"));
        assert!(mail.html.contains("src=\"cid:trend\""));
    }

    #[test]
    fn html_escapes_and_text_does_not() {
        let mail = review().render().unwrap();
        assert!(mail.text.contains("Ash & Oak <Freight>"));
        assert!(!mail.html.contains("<Freight>") && mail.html.contains("Freight"));
    }

    #[test]
    fn no_score_is_said_in_words() {
        let mail = ReviewMail { composite: None, change: None, headlines: vec![], chart: None, ..review() }
            .render()
            .unwrap();
        assert!(mail.text.contains("no score") && mail.html.contains("no score"));
        assert!(!mail.text.contains("None") && !mail.html.contains("None") && !mail.html.contains("<img"));
    }

    #[test]
    fn the_other_messages_render() {
        let notice = ContractNoticeMail {
            contract: "C-7".into(),
            partner_name: "Ash".into(),
            lines: vec![CalendarLine {
                event: "ends".into(),
                day: "30 June 2025".into(),
                distance: "in 30 days".into(),
            }],
            link: "https://lanemark.example/contracts/7".into(),
        };
        assert!(notice.render().unwrap().text.contains("30 June 2025 (in 30 days): ends"));
        let step = ContractStepMail {
            contract: "C-7".into(),
            partner_name: "Ash & Oak".into(),
            heading: "Version 2 was signed".into(),
            lines: vec!["It holds from 2025-07-01.".into()],
            action: "Open the contract".into(),
            link: "https://lanemark.example/contracts/7?version=2".into(),
        };
        let step = step.render().unwrap();
        assert_eq!(step.subject, "C-7: Version 2 was signed");
        assert!(step.text.contains("- It holds from 2025-07-01.") && step.text.contains("?version=2"));
        let failed = JobFailedMail {
            job: "Refresh measures".into(),
            due: "2025-06-30 02:05".into(),
            attempts: 5,
            error: "disk full".into(),
            link: "https://lanemark.example/jobs".into(),
        };
        assert!(failed.render().unwrap().html.contains("disk full"));
    }
}
