//! `podferry demo`: the bundled sample events through the code of the Lambda, to an intake on loopback.
//!
//! `samples` are the events, with their times moved to now; `screen` is what people see of what arrived, and `arrival` what the page does.

mod arrival;
mod samples;
mod screen;

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::block_on::block_on;
use super::error::CommandError;
use super::exit::Exit;
use super::output::OutputFlag;
use super::page::{self, PageFlag};
use super::show;
use ::page::Page;
use forwarder::lambda::handler::Handler;
use forwarder::lambda::invocation::Invocation;
use forwarder::settings::Settings;
use intake::StandIn;
use pipeline::compress::Compression;
use pipeline::{self, PipelineSettings};
use samples::SAMPLES;
use screen::{DemoSample, Screen};

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111122223333:function:podferry";

/// Send bundled sample events through the forwarder and show what arrives
///
/// Runs the same code as the Lambda, against an intake on the loopback interface. Nothing leaves this machine, and your environment
/// variables are not read.
#[derive(Debug, Args)]
pub(super) struct DemoOptions {
    #[command(flatten)]
    output: OutputFlag,
    #[command(flatten)]
    page: PageFlag,
}

impl DemoOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        block_on(demonstrate(self.output.is_json(), &self.page))
    }
}

async fn demonstrate(as_json: bool, page: &PageFlag) -> Result<Exit, CommandError> {
    let intake = StandIn::start().await.map_err(CommandError::internal)?;
    let variables: HashMap<String, String> = [
        ("DD_URL", intake.url()),
        ("DD_API_KEY", "demo".to_owned()),
        ("DD_CLUSTER_NAME", "prod-eu".to_owned()),
        // What a newcomer expects of a line that begins with its level.
        ("PODFERRY_STATUS_FROM_TEXT", "true".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let settings = Settings::read(&variables)?;
    let explaining = PipelineSettings { compression: Compression::None, ..Settings::read(&variables)?.pipeline };
    let handler = Handler::new(settings).map_err(CommandError::internal)?;
    let invocation = Invocation { function_arn: FUNCTION.to_owned(), ..Invocation::default() };

    let page = page.open("the demo", "The samples are on their way.").await?;
    let (mut shown, mut contents) = (Vec::new(), Vec::new());
    let started = Instant::now();
    for sample in SAMPLES {
        let before = intake.accepted().len();
        let now = Timestamp::now();
        let event =
            samples::moved(sample.event, now).ok_or_else(|| CommandError::internal("a sample is not an event"))?;
        contents.push(samples::content(&event).into_owned());
        let (config_map, event_bytes) = (sample.config_map, event.len());
        let delivered = handler.handle(Bytes::from(event), &invocation).await?;
        let log = intake.accepted().into_iter().nth(before).unwrap_or_default();
        shown.push(DemoSample { config_map, delivered, event_bytes, log });
    }
    let took = started.elapsed();
    if as_json {
        let sample = |shown: &DemoSample| json!({ "config_map": shown.config_map, "delivered": shown.delivered, "first_log": shown.log });
        let samples: Vec<Value> = shown.iter().map(sample).collect();
        let requests = intake.arrivals().len();
        show::json(&json!({ "samples": samples, "requests": requests, "logs": intake.accepted().len() }))?;
        return serve(page, &contents, &explaining).await;
    }
    let first = contents.first().map_or("", String::as_str);
    let explained = pipeline::explain_content(first, FUNCTION, &explaining, None).map_err(CommandError::internal)?;
    let screen = Screen { samples: &shown, intake: &intake.url(), took, content: first, explained: &explained };
    screen.show(&mut anstream::stdout().lock())?;
    serve(page, &contents, &explaining).await
}

/// Shows the logs of these contents on the page, where there is one, until Ctrl-C.
async fn serve(page: Option<Page>, contents: &[String], settings: &PipelineSettings) -> Result<Exit, CommandError> {
    let Some(page) = page else { return Ok(Exit::Done) };
    let mut logs = Vec::new();
    for content in contents {
        let explained = pipeline::explain_content(content, FUNCTION, settings, None).map_err(CommandError::internal)?;
        logs.extend(page::of_content(content, &explained)?);
    }
    let arrival = async {
        arrival::arrive(&page, logs).await;
        std::future::pending().await
    };
    tokio::select! {
        interrupted = page::until_interrupted(&page) => interrupted,
        never = arrival => never,
    }
}
