// Takes a product off sale, or puts it back on sale.
import type { Product } from "../../../gen/shopmesh/product/v1/product_service_pb";
import { products } from "../../../rpc/products";
import { ActionError, createAction } from "../../../ui/action";

export function SaleForm(props: { product: Product; onChange: (product: Product) => void }) {
  const toggle = createAction(async () => {
    const { productId, archived } = props.product;
    const { product } = archived
      ? await products.updateProduct({
          product: { productId, archived: false },
          updateMask: { paths: ["archived"] },
        })
      : await products.archiveProduct({ productId });
    if (product) props.onChange(product);
  });
  return (
    <section class="panel" aria-labelledby="sale">
      <h2 id="sale">{props.product.archived ? "Off sale" : "On sale"}</h2>
      <p>
        {props.product.archived
          ? "Customers cannot see it. Its orders, stock and ledger are kept."
          : "Customers can see it, and buy it while it is in stock."}
      </p>
      <ActionError action={toggle} />
      <div class="row">
        <button
          type="button"
          class={props.product.archived ? "quiet" : "danger"}
          aria-disabled={toggle.busy()}
          onClick={() => toggle.run()}
        >
          {props.product.archived ? "Put back on sale" : "Archive"}
        </button>
      </div>
    </section>
  );
}
