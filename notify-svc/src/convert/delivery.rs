//! Delivery attempts and statistics.

use proto::{notify::v1 as pb, time::timestamp};

use crate::delivery::{DeliveryAttempt, DeliveryStatistics};

/// Returns the message of an attempt.
pub(crate) fn attempt(attempt: DeliveryAttempt) -> pb::DeliveryAttempt {
    pb::DeliveryAttempt {
        time: Some(timestamp(attempt.created_at)),
        reply_code: attempt.reply_code,
        reply_text: attempt.reply_text,
        message_id: attempt.message_id,
    }
}

/// Returns the response of GetDeliveryStatistics.
pub(crate) fn statistics(statistics: &DeliveryStatistics) -> pb::GetDeliveryStatisticsResponse {
    let age = statistics.oldest_pending_age;
    pb::GetDeliveryStatisticsResponse {
        pending: statistics.pending,
        sent: statistics.sent,
        failed: statistics.failed,
        oldest_pending_age: age.and_then(|age| prost_types::Duration::try_from(age).ok()),
    }
}
