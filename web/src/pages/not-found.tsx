import { Page } from "../ui/page";

export function NotFound() {
  return (
    <Page title="Page not found" class="narrow">
      <p>There is nothing at this address. It may have moved, or the link has a slip in it.</p>
      <p>
        <a href="/" class="button">
          See all products
        </a>
      </p>
    </Page>
  );
}
