//! `NotificationService`.

use proto::notify::v1::{
    GetDeliveryStatisticsRequest, GetDeliveryStatisticsResponse, GetNotificationRequest,
    GetNotificationResponse, ListNotificationsRequest, ListNotificationsResponse,
    ResendNotificationRequest, ResendNotificationResponse, ResendNotificationsRequest,
    ResendNotificationsResponse, notification_service_server::NotificationService,
};
use tonic::{Request, Response, Status};

use super::Api;
use crate::{
    convert::{delivery as convert_delivery, notification as convert},
    delivery::statistics,
    notification::{lookup, resend},
};

#[tonic::async_trait]
impl NotificationService for Api {
    async fn list_notifications(
        &self,
        request: Request<ListNotificationsRequest>,
    ) -> Result<Response<ListNotificationsResponse>, Status> {
        let caller = mesh::identity::claims(&request)?.sub.to_string();
        let (filter, page) =
            convert::list_notifications(request.get_ref(), &caller, &self.page_tokens)?;
        let listed = lookup::list_notifications(&self.app, &filter, &page).await?;
        let listed = listed.map(convert::notification);
        Ok(Response::new(ListNotificationsResponse {
            notifications: listed.items,
            next_page_token: listed.next_page_token,
        }))
    }

    async fn get_notification(
        &self,
        request: Request<GetNotificationRequest>,
    ) -> Result<Response<GetNotificationResponse>, Status> {
        let id = convert::notification_id(&request.get_ref().notification_id)?;
        let (notification, attempts) = lookup::get_notification(&self.app, id).await?;
        let mut notification = convert::notification(notification);
        notification.attempts = attempts.into_iter().map(convert_delivery::attempt).collect();
        Ok(Response::new(GetNotificationResponse { notification: Some(notification) }))
    }

    async fn resend_notification(
        &self,
        request: Request<ResendNotificationRequest>,
    ) -> Result<Response<ResendNotificationResponse>, Status> {
        let id = convert::notification_id(&request.get_ref().notification_id)?;
        let notification = resend::resend_notification(&self.app, id).await?;
        let notification = Some(convert::notification(notification));
        Ok(Response::new(ResendNotificationResponse { notification }))
    }

    async fn resend_notifications(
        &self,
        request: Request<ResendNotificationsRequest>,
    ) -> Result<Response<ResendNotificationsResponse>, Status> {
        let caller = mesh::identity::claims(&request)?.sub.to_string();
        let (filter, page) =
            convert::resend_notifications(request.get_ref(), &caller, &self.page_tokens)?;
        let resent = resend::resend_notifications(&self.app, &filter, page).await?;
        Ok(Response::new(ResendNotificationsResponse {
            resent_count: i32::try_from(resent.items.len()).unwrap_or(i32::MAX),
            next_page_token: resent.next_page_token,
        }))
    }

    async fn get_delivery_statistics(
        &self,
        _: Request<GetDeliveryStatisticsRequest>,
    ) -> Result<Response<GetDeliveryStatisticsResponse>, Status> {
        let statistics = statistics::get_delivery_statistics(&self.app).await?;
        Ok(Response::new(convert_delivery::statistics(&statistics)))
    }
}
