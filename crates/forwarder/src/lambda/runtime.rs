//! Serves the Lambda runtime: raw bytes of each event to the [`Handler`], its answer or failure back.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use lambda_runtime::tower::{Layer, Service, service_fn};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, LambdaInvocation, Runtime};
use serde::de::IgnoredAny;
use serde_json::json;

use super::answer::Answer;
use super::handler::{Handler, now_ms};
use super::invocation::{Invocation, InvocationFailure};
use super::metrics::Telemetry;
use super::own_log;
use super::summary;
use crate::delivery::client::Clients;
use crate::settings::{LogLevel, Network, Settings, VariableSource};

/// How long to try to tell Lambda that the start failed.
const INIT_ERROR_TIMEOUT: Duration = Duration::from_secs(2);

impl From<InvocationFailure> for Diagnostic {
    fn from(failure: InvocationFailure) -> Self {
        Diagnostic { error_type: failure.error_type().to_owned(), error_message: failure.to_string() }
    }
}

/// Reads the settings and serves until the sandbox ends.
///
/// # Errors
/// What made serving impossible. Wrong settings have been reported to Lambda by then.
pub async fn serve(source: &dyn VariableSource) -> Result<(), Error> {
    own_log::silence_panics();
    let started = Settings::read(source).map_err(|mistakes| mistakes.to_string()).and_then(|settings| {
        own_log::configure(settings.own_log);
        settings.warnings.iter().for_each(|warning| own_log::say(LogLevel::Warn, warning, &json!({})));
        Handler::new(settings).map_err(|error| error.to_string())
    });
    let handler = match started {
        Ok(handler) => Arc::new(handler),
        Err(message) => {
            own_log::say(LogLevel::Error, &message, &json!({ "error_type": "SettingsInvalid" }));
            report_init_error(source, &message).await;
            return Err(message.into());
        }
    };
    let events = RawEvents::default();
    let taken = events.clone();
    let serve = service_fn(move |event: LambdaEvent<IgnoredAny>| {
        let (handler, event, context) = (handler.clone(), taken.take(), event.context);
        async move {
            let invocation = Invocation {
                request_id: context.request_id,
                function_arn: context.invoked_function_arn,
                deadline_ms: context.deadline,
            };
            own_log::begin(&invocation.request_id);
            let started = Instant::now();
            let mut telemetry = Telemetry::default();
            let result: Result<Answer, InvocationFailure> = handler.serve(event, &invocation, &mut telemetry).await;
            summary::say(result.as_ref().map(|_| &telemetry.delivered), &telemetry, started.elapsed());
            println!("{}", telemetry.line(&context.env_config.function_name, &invocation.request_id, now_ms()));
            result
        }
    });
    Runtime::new(serve).layer(events).run().await
}

/// Takes the body off an invocation before the runtime would deserialise it: bytes that are no JSON are then our
/// error with our type, and a megabyte of base64 is not parsed twice.
#[derive(Debug, Clone, Default)]
struct RawEvents(Arc<Mutex<Bytes>>);

impl RawEvents {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S> Layer<S> for RawEvents {
    type Service = TakeEvent<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TakeEvent { inner, events: self.clone() }
    }
}

#[derive(Debug, Clone)]
struct TakeEvent<S> {
    inner: S,
    events: RawEvents,
}

impl<S: Service<LambdaInvocation>> Service<LambdaInvocation> for TakeEvent<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut invocation: LambdaInvocation) -> Self::Future {
        let event = std::mem::replace(&mut invocation.body, Bytes::from_static(b"null"));
        *self.events.0.lock().unwrap_or_else(PoisonError::into_inner) = event;
        self.inner.call(invocation)
    }
}

/// Tells Lambda why the start failed, so that the message stands in the answer and not only in the log.
///
/// Source: AWS, "Using the Lambda runtime API", initialization error.
async fn report_init_error(source: &dyn VariableSource, message: &str) {
    let Some(api) = source.get("AWS_LAMBDA_RUNTIME_API") else { return };
    let base = if api.contains("://") { api } else { format!("http://{api}") };
    let body = json!({ "errorType": "SettingsInvalid", "errorMessage": message, "stackTrace": [] });
    let Ok(client) = Clients::new(false, Network::default()).and_then(|clients| clients.client()) else { return };
    let request = client
        .post(format!("{}/2018-06-01/runtime/init/error", base.trim_end_matches('/')))
        .header("Lambda-Runtime-Function-Error-Type", "SettingsInvalid")
        .timeout(INIT_ERROR_TIMEOUT)
        .body(body.to_string());
    // Nothing is left to do if this fails too: the message is in the log.
    let _ = request.send().await;
}
