import { ALL_PRODUCTS } from "../ui/link";
import { NotFoundPage } from "../ui/page";

export function NotFound() {
  return (
    <NotFoundPage
      title="Page not found"
      text="There is no page at this address. It may have moved, or the link is wrong."
      link={ALL_PRODUCTS}
      class="narrow"
    />
  );
}
