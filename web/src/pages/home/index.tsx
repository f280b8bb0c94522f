// The storefront: all products, with search and filters, a page at a time.
import { createEffect, createSignal, For, Show, untrack } from "solid-js";
import { navigation, setSearch } from "../../router";
import { createList, createLoad, type List, type ListPage } from "../../rpc/load";
import { products } from "../../rpc/products";
import type { ProductSummary } from "../../shop/product-summary";
import {
  createFilters,
  FilterCheck,
  FilterForm,
  FilterSelect,
  type Filters,
  FilterText,
} from "../../ui/filters";
import { categoryLabel } from "../../ui/labels";
import { LoadMore } from "../../ui/load-more";
import { Page } from "../../ui/page";
import { Empty, Loaded } from "../../ui/states";
import { ProductCard, ProductGridSkeleton } from "./product-card";

const PAGE_SIZE = 24;
const QUERY_LENGTH_MAX = 200;
/** The pictures that are visible without scrolling. */
const EAGER_PICTURES = 4;
/** The cards of the first paint after the document was loaded; the others follow in the next frame. */
const FIRST_CARDS = 8;
const SORT_OPTIONS = [
  { value: "relevance", text: "Relevance" },
  { value: "name", text: "Name" },
  { value: "price", text: "Price, low to high" },
  { value: "price desc", text: "Price, high to low" },
  { value: "create_time desc", text: "Newest" },
];

/** The list when the page was left: going back shows it again, with all pages that were loaded. */
let lastList: { search: string; page: ListPage<ProductSummary> } | undefined;

export function Home() {
  const filters = createFilters({ sort: "relevance" });
  const list = createProductList(filters);
  return (
    <Page title="Shopmesh" class="wide" ownHeading>
      <div class="hero">
        <h1>Good things for every room</h1>
        <p>Made to be used for years. What you see is what you pay.</p>
      </div>
      <ProductFilters filters={filters} />
      <Loaded load={list} skeleton={<ProductGridSkeleton />}>
        {(page) => (
          <Show when={page().items.length > 0} fallback={<NoProducts />}>
            <ProductGrid items={page().items} busy={list.loading()} />
            <LoadMore list={list} />
          </Show>
        )}
      </Loaded>
    </Page>
  );
}

function createProductList(filters: Filters): List<ProductSummary> {
  let restore = untrack(navigation) === "history";
  const list = createList<ProductSummary>(
    async (pageToken, signal) => {
      const request = {
        pageSize: PAGE_SIZE,
        pageToken,
        query: filters.get("q").slice(0, QUERY_LENGTH_MAX),
        category: filters.get("category"),
        orderBy: filters.get("sort"),
        inStockOnly: filters.get("in_stock") !== "",
      };
      const response = await products.listProducts(request, signal ? { signal } : {});
      return { items: response.products, nextPageToken: response.nextPageToken };
    },
    () => {
      const search = filters.search();
      const restored = restore && lastList?.search === search ? lastList.page : undefined;
      restore = false;
      return restored;
    },
  );
  createEffect(() => {
    const page = list.data();
    if (page && !list.loading()) lastList = { search: untrack(filters.search), page };
  });
  return list;
}

function ProductFilters(props: { filters: Filters }) {
  const categories = createLoad((signal) => products.listCategories({}, { signal }));
  const options = () => {
    const listed = (categories.data()?.categories ?? []).map(({ slug, displayName }) => ({
      value: slug,
      text: displayName || categoryLabel(slug),
    }));
    // Until the categories are loaded, the select has the chosen one.
    const chosen = props.filters.get("category");
    const isListed = chosen === "" || listed.some(({ value }) => value === chosen);
    const missing = isListed ? [] : [{ value: chosen, text: categoryLabel(chosen) }];
    return [{ value: "", text: "All categories" }, ...listed, ...missing];
  };
  return (
    <FilterForm filters={props.filters} class="filters">
      <FilterText
        filters={props.filters}
        label="Search products"
        name="q"
        type="search"
        maxlength={QUERY_LENGTH_MAX}
        class="search"
      />
      <FilterSelect filters={props.filters} label="Category" name="category" options={options()} />
      <FilterSelect filters={props.filters} label="Sort" name="sort" options={SORT_OPTIONS} />
      <FilterCheck filters={props.filters} label="In stock only" name="in_stock" />
    </FilterForm>
  );
}

function ProductGrid(props: { items: ProductSummary[]; busy: boolean }) {
  const [cards, setCards] = createSignal(
    untrack(navigation) === "initial" ? FIRST_CARDS : Infinity,
  );
  requestAnimationFrame(() => setTimeout(() => setCards(Infinity)));
  return (
    <ul class="grid" aria-busy={props.busy}>
      <For each={props.items.slice(0, cards())}>
        {(product, index) => <ProductCard product={product} eager={index() < EAGER_PICTURES} />}
      </For>
    </ul>
  );
}

function NoProducts() {
  return (
    <Empty title="No products match" text="Try fewer words, or another category.">
      <button type="button" class="quiet" onClick={() => setSearch("")}>
        Show all products
      </button>
    </Empty>
  );
}
