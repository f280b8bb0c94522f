import { createClient } from "@connectrpc/connect";
import { ProductService } from "../gen/shopmesh/product/v1/product_service_pb";
import { transport } from "./transport";

export const products = createClient(ProductService, transport);
