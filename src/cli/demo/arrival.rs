//! The samples on the page as logs arrive: in the order of their times, a few at a time.

use std::time::Duration;

use page::{Page, ShownLog};

/// How often some arrive, and how many times: long enough to see a live tail, and soon over.
const PAUSE: Duration = Duration::from_millis(100);
const TIMES: usize = 40;

/// Adds the logs once somebody has the page open, and returns when all are there.
pub(super) async fn arrive(page: &Page, logs: Vec<ShownLog>) {
    let bits = bits(logs);
    page.opened().await;
    for bit in &bits {
        bit.iter().for_each(|log| page.add(log));
        tokio::time::sleep(PAUSE).await;
    }
}

/// At most [`TIMES`] bits, each of as many logs but the last.
fn bits(mut logs: Vec<ShownLog>) -> Vec<Vec<ShownLog>> {
    logs.sort_by_key(|log| log.timestamp_ms);
    let each = logs.len().div_ceil(TIMES).max(1);
    logs.chunks(each).map(<[ShownLog]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_arrive_in_the_order_of_their_times_in_no_more_bits_than_there_are() {
        for number in [0, 1, TIMES - 1, TIMES, TIMES + 1, 2 * TIMES, 156] {
            let log = |time: usize| ShownLog { timestamp_ms: i64::try_from(time).ok(), ..ShownLog::default() };
            let bits = bits((0..number).rev().map(log).collect());
            assert!(bits.len() <= TIMES && bits.iter().all(|bit| !bit.is_empty()), "{number}: {}", bits.len());
            let times: Vec<Option<i64>> = bits.concat().iter().map(|log| log.timestamp_ms).collect();
            assert!(times.is_sorted() && times.len() == number, "{number}");
        }
    }
}
