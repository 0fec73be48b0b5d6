//! Many calls of one kind, a few at a time.

use tokio::task::JoinSet;

/// Concurrent calls. CloudWatch Logs allows 5 to 10 of most calls a second, per account and region, and a call takes about a tenth of
/// a second.
/// Source: Amazon CloudWatch Logs, "CloudWatch Logs quotas".
const AT_ONCE: usize = 4;

/// The result for each item, in their order.
pub(crate) async fn each<T, R, W>(items: impl IntoIterator<Item = T>, work: impl Fn(T) -> W) -> Vec<R>
where
    R: Send + 'static,
    W: Future<Output = R> + Send + 'static,
{
    let mut waiting = items.into_iter().enumerate();
    let mut running = JoinSet::new();
    let mut done: Vec<(usize, R)> = Vec::new();
    loop {
        while running.len() < AT_ONCE
            && let Some((number, item)) = waiting.next()
        {
            let work = work(item);
            running.spawn(async move { (number, work.await) });
        }
        match running.join_next().await {
            Some(Ok(one)) => done.push(one),
            Some(Err(error)) => {
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
            None => break,
        }
    }
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn in_order_and_not_too_many() {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let done = each(0..20_usize, |number| {
            let (running, most) = (running.clone(), most.clone());
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // Later ones are done earlier.
                for _ in number..20 {
                    tokio::task::yield_now().await;
                }
                running.fetch_sub(1, Ordering::SeqCst);
                number
            }
        })
        .await;
        assert_eq!(done, (0..20).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::SeqCst), AT_ONCE);
    }
}
