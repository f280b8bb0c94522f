//! `ProductService`.

use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use mesh::identity::claims;
use mesh_data::subscription::STREAM_DURATION_MAX;
use proto::product::v1::{
    ArchiveProductRequest, ArchiveProductResponse, BatchGetProductsRequest,
    BatchGetProductsResponse, CreateProductRequest, CreateProductResponse, GetAnyProductRequest,
    GetAnyProductResponse, GetProductRequest, GetProductResponse, ImportProductsRequest,
    ImportProductsResponse, ListCategoriesRequest, ListCategoriesResponse, ListProductsRequest,
    ListProductsResponse, UpdateProductRequest, UpdateProductResponse, WatchStockRequest,
    WatchStockResponse, product_service_server::ProductService,
};
use tonic::{Request, Response, Status};

use super::Api;
use crate::{
    convert,
    product::{catalogue, import},
};

#[tonic::async_trait]
impl ProductService for Api {
    async fn list_products(
        &self,
        request: Request<ListProductsRequest>,
    ) -> Result<Response<ListProductsResponse>, Status> {
        let currency = &self.app.currency;
        let (filter, page) =
            convert::list_products(request.get_ref(), currency, &self.page_tokens)?;
        let listed = catalogue::list_products(&self.app, &filter, &page).await?;
        let products = listed.items.iter().cloned();
        Ok(Response::new(ListProductsResponse {
            products: products.map(|product| convert::product(product, currency)).collect(),
            next_page_token: listed.next_page_token.clone(),
        }))
    }

    async fn get_product(
        &self,
        request: Request<GetProductRequest>,
    ) -> Result<Response<GetProductResponse>, Status> {
        let key = convert::get_product(request.into_inner())?;
        let product = catalogue::get_product(&self.app, &key).await?;
        let product = Some(convert::product(product, &self.app.currency));
        Ok(Response::new(GetProductResponse { product }))
    }

    async fn batch_get_products(
        &self,
        request: Request<BatchGetProductsRequest>,
    ) -> Result<Response<BatchGetProductsResponse>, Status> {
        let ids = convert::product_ids(&request.get_ref().product_ids)?;
        let (found, missing) = catalogue::batch_get_products(&self.app, &ids).await?;
        let currency = &self.app.currency;
        Ok(Response::new(BatchGetProductsResponse {
            products: found.into_iter().map(|p| convert::product(p, currency)).collect(),
            missing_product_ids: missing.iter().map(ToString::to_string).collect(),
        }))
    }

    async fn list_categories(
        &self,
        _: Request<ListCategoriesRequest>,
    ) -> Result<Response<ListCategoriesResponse>, Status> {
        let categories = catalogue::list_categories(&self.app).await?;
        let categories = categories.into_iter().map(convert::category).collect();
        Ok(Response::new(ListCategoriesResponse { categories }))
    }

    type WatchStockStream = BoxStream<'static, Result<WatchStockResponse, Status>>;

    async fn watch_stock(
        &self,
        request: Request<WatchStockRequest>,
    ) -> Result<Response<Self::WatchStockStream>, Status> {
        let ids = convert::product_ids(&request.get_ref().product_ids)?;
        let updates = self.stock_states.watch(ids, STREAM_DURATION_MAX)?;
        Ok(Response::new(updates.map_ok(convert::stock_update).boxed()))
    }

    async fn get_any_product(
        &self,
        request: Request<GetAnyProductRequest>,
    ) -> Result<Response<GetAnyProductResponse>, Status> {
        let id = convert::product_id(&request.get_ref().product_id)?;
        let product = catalogue::get_any_product(&self.app, id).await?;
        let product = Some(convert::product(product, &self.app.currency));
        Ok(Response::new(GetAnyProductResponse { product }))
    }

    async fn create_product(
        &self,
        request: Request<CreateProductRequest>,
    ) -> Result<Response<CreateProductResponse>, Status> {
        let actor_id = claims(&request)?.sub;
        let currency = &self.app.currency;
        let (request_id, fields) = convert::create_product(request.into_inner(), currency)?;
        let product = catalogue::create_product(&self.app, actor_id, request_id, fields).await?;
        let product = Some(convert::product(product, currency));
        Ok(Response::new(CreateProductResponse { product }))
    }

    async fn update_product(
        &self,
        request: Request<UpdateProductRequest>,
    ) -> Result<Response<UpdateProductResponse>, Status> {
        let currency = &self.app.currency;
        let (id, changes, version) = convert::update_product(request.into_inner(), currency)?;
        let product = catalogue::update_product(&self.app, id, changes, version).await?;
        let product = Some(convert::product(product, currency));
        Ok(Response::new(UpdateProductResponse { product }))
    }

    async fn import_products(
        &self,
        request: Request<ImportProductsRequest>,
    ) -> Result<Response<ImportProductsResponse>, Status> {
        let actor_id = Some(claims(&request)?.sub);
        let rows = convert::import_products(request.get_ref(), &self.app.currency)?;
        let report = import::import_products(&self.app, actor_id, rows).await?;
        Ok(Response::new(convert::import_report(report)))
    }

    async fn archive_product(
        &self,
        request: Request<ArchiveProductRequest>,
    ) -> Result<Response<ArchiveProductResponse>, Status> {
        let (id, version) = convert::archive_product(request.get_ref())?;
        let product = catalogue::archive_product(&self.app, id, version).await?;
        let product = Some(convert::product(product, &self.app.currency));
        Ok(Response::new(ArchiveProductResponse { product }))
    }
}
