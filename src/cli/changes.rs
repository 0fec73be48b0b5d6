//! Changes in an AWS account as they are planned, shown, confirmed, made and reported: for `subscribe` and `unsubscribe`.

use std::io::{self, Write};

use clap::Args;
use serde_json::{Value, json};

use super::account::confirm;
use super::error::CommandError;
use super::exit::Exit;
use super::notes::note;
use super::output::Output;
use super::{show, spinner};
use crate::aws::account::Account;
use crate::aws::concurrently::each;
use crate::aws::error::SdkCallError;
use crate::aws::function::Function;
use pipeline::counted::counted;

/// Whether to make changes, and whether to ask.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct ChangeFlags {
    /// Show the changes without making them, whatever --yes says.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Make the changes without asking.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What is done with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChangeAction {
    Create,
    Change,
    Delete,
    Leave,
    /// It cannot be done, and a person should look at it.
    Conflict,
    /// It cannot be done, and need not be: nobody has named it.
    LeaveOut,
}

impl ChangeAction {
    fn word(self) -> &'static str {
        match self {
            ChangeAction::Create => "create",
            ChangeAction::Change => "change",
            ChangeAction::Delete => "delete",
            ChangeAction::Leave => "leave",
            ChangeAction::Conflict => "conflict",
            ChangeAction::LeaveOut => "leave out",
        }
    }

    fn is_change(self) -> bool {
        matches!(self, ChangeAction::Create | ChangeAction::Change | ChangeAction::Delete)
    }
}

/// One line of a plan, and the work that it stands for.
#[derive(Debug, Clone)]
pub(super) struct ChangeRow<W> {
    /// A log group, or what else is changed.
    pub(crate) subject: String,
    pub(crate) what: ChangeAction,
    /// The subscription filter's name.
    pub(crate) filter: Option<String>,
    pub(crate) detail: String,
    /// Until it is done.
    work: Option<W>,
    outcome: Option<Result<(), SdkCallError>>,
}

impl<W> ChangeRow<W> {
    /// One without work.
    pub(super) fn new(
        subject: impl Into<String>,
        what: ChangeAction,
        filter: Option<&str>,
        detail: impl Into<String>,
    ) -> ChangeRow<W> {
        let (subject, detail, filter) = (subject.into(), detail.into(), filter.map(str::to_owned));
        ChangeRow { subject, what, filter, detail, work: None, outcome: None }
    }

    pub(super) fn with_work(self, work: W) -> ChangeRow<W> {
        ChangeRow { work: Some(work), ..self }
    }
}

/// A plan, and later what became of it.
#[derive(Debug, Clone)]
pub(super) struct Changes<W> {
    pub(crate) account: String,
    pub(crate) region: String,
    /// The function's ARN.
    pub(crate) function: String,
    pub(crate) rows: Vec<ChangeRow<W>>,
    /// What could not be looked at, and what may follow.
    pub(crate) warnings: Vec<String>,
}

impl<W> Changes<W> {
    pub(super) fn new(account: &Account, function: &Function) -> Changes<W> {
        let (account, region) = (account.id.clone(), account.region.clone());
        Changes { account, region, function: function.destination(), rows: Vec::new(), warnings: Vec::new() }
    }

    fn count(&self, what: ChangeAction) -> usize {
        self.rows.iter().filter(|row| row.what == what).count()
    }

    /// The work of all rows that is still to be done.
    pub(super) fn work(&self) -> impl Iterator<Item = &W> {
        self.rows.iter().filter_map(|row| row.work.as_ref())
    }

    /// Does the work that is `chosen`, some at once. Whether all of it went well.
    pub(super) async fn make<F>(&mut self, chosen: impl Fn(&W) -> bool, work: impl Fn(W) -> F) -> bool
    where
        F: Future<Output = Result<(), SdkCallError>> + Send + 'static,
    {
        let mut numbers = Vec::new();
        let mut all = Vec::new();
        for (number, row) in self.rows.iter_mut().enumerate() {
            if let Some(work) = row.work.take_if(|work| chosen(work)) {
                numbers.push(number);
                all.push(work);
            }
        }
        let outcomes = spinner::during("Making the changes…", each(all, work)).await;
        let is_well = outcomes.iter().all(Result::is_ok);
        for (number, outcome) in numbers.into_iter().zip(outcomes) {
            if let Some(row) = self.rows.get_mut(number) {
                row.outcome = Some(outcome);
            }
        }
        is_well
    }

    fn failed(&self) -> impl Iterator<Item = (&ChangeRow<W>, &SdkCallError)> {
        self.rows.iter().filter_map(|row| Some((row, row.outcome.as_ref()?.as_ref().err()?)))
    }

    /// Shows the plan, and asks, if there is something to be asked. Whether to go on.
    pub(super) fn agreed(&self, flags: ChangeFlags, output: Output) -> Result<bool, CommandError> {
        if output == Output::Text {
            self.show(&mut anstream::stdout(), flags.dry_run)?;
        }
        let number = self.rows.iter().filter(|row| row.what.is_change()).count();
        if number == 0 || flags.dry_run {
            return Ok(false);
        }
        if flags.yes {
            return Ok(true);
        }
        if output == Output::Json {
            // Standard output is for the report.
            self.show(&mut anstream::stderr(), false)?;
        }
        let goes_on = confirm(&format!("Make {}?", counted(number, "change")))?;
        if !goes_on {
            note!("Nothing was changed.");
        }
        Ok(goes_on)
    }

    /// Says what became of the plan.
    pub(super) fn report(&self, flags: ChangeFlags, output: Output) -> Result<Exit, CommandError> {
        match output {
            Output::Json => show::json(&self.json(flags.dry_run))?,
            Output::Text => self.show_outcome(&mut anstream::stdout())?,
        }
        let mut failures = self.failed();
        Ok(match failures.next() {
            Some(_) => Exit::Failed,
            None => Exit::of_findings(self.count(ChangeAction::Conflict)),
        })
    }

    fn show(&self, out: &mut impl Write, is_dry: bool) -> io::Result<()> {
        writeln!(out, "function {}\naccount {}, region {}", self.function, self.account, self.region)?;
        if !self.rows.is_empty() {
            let rows: Vec<Vec<String>> = self.rows.iter().map(cells).collect();
            show::table(out, &["action", "what", "filter", "details"], &rows)?;
        }
        for warning in &self.warnings {
            writeln!(out, "warning: {warning}")?;
        }
        let kinds = [
            ChangeAction::Create,
            ChangeAction::Change,
            ChangeAction::Delete,
            ChangeAction::Leave,
            ChangeAction::Conflict,
            ChangeAction::LeaveOut,
        ];
        let counts = kinds.into_iter().map(|what| (what, self.count(what))).filter(|(_, number)| *number > 0);
        let counted = |(what, number): (ChangeAction, usize)| match what {
            ChangeAction::Conflict => counted(number, "conflict"),
            other => format!("{number} to {}", other.word()),
        };
        let counts = counts.map(counted).collect::<Vec<_>>().join(", ");
        let dry = if is_dry { " Nothing was changed: this is a dry run." } else { "" };
        writeln!(out, "{}.{dry}", if counts.is_empty() { "nothing to do".to_owned() } else { counts })
    }

    fn show_outcome(&self, out: &mut impl Write) -> io::Result<()> {
        let done = self.rows.iter().filter(|row| matches!(row.outcome, Some(Ok(())))).count();
        if done > 0 {
            writeln!(out, "{} made.", counted(done, "change"))?;
        }
        for (row, error) in self.failed() {
            show::finding(out, &format!("{}: {error}", row.subject))?;
        }
        Ok(())
    }

    fn json(&self, is_dry: bool) -> Value {
        let row = |row: &ChangeRow<W>| {
            json!({
                "subject": row.subject, "what": row.what.word(), "filter": row.filter, "detail": row.detail,
                "done": matches!(row.outcome, Some(Ok(()))),
                "error": row.outcome.as_ref().and_then(|outcome| outcome.as_ref().err()).map(ToString::to_string),
            })
        };
        json!({
            "account": self.account, "region": self.region, "function": self.function, "dry_run": is_dry,
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(), "warnings": self.warnings,
        })
    }
}

fn cells<W>(row: &ChangeRow<W>) -> Vec<String> {
    let filter = row.filter.clone().unwrap_or_else(|| "–".to_owned());
    vec![row.what.word().to_owned(), row.subject.clone(), filter, row.detail.clone()]
}
