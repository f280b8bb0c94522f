// The fields of the shipping address.
import { addressDraft, countryOptions, updateAddress } from "../../shop/address";
import { Field, Select } from "../../ui/field";

export function AddressFields(props: { error: (field: string) => string | undefined }) {
  return (
    <fieldset class="panel address">
      <legend>Shipping address</legend>
      <Field
        label="Full name"
        autocomplete="shipping name"
        value={addressDraft().fullName}
        onInput={(fullName) => updateAddress({ fullName })}
        error={props.error("full_name")}
        class="full"
      />
      <Field
        label="Street"
        autocomplete="shipping street-address"
        value={addressDraft().street}
        onInput={(street) => updateAddress({ street })}
        error={props.error("street")}
        class="full"
      />
      <Field
        label="Postal code"
        autocomplete="shipping postal-code"
        value={addressDraft().postalCode}
        onInput={(postalCode) => updateAddress({ postalCode })}
        error={props.error("postal_code")}
      />
      <Field
        label="City"
        autocomplete="shipping address-level2"
        value={addressDraft().city}
        onInput={(city) => updateAddress({ city })}
        error={props.error("city")}
      />
      <Select
        label="Country"
        autocomplete="shipping country"
        value={addressDraft().countryCode}
        onInput={(countryCode) => updateAddress({ countryCode })}
        options={countryOptions()}
        error={props.error("country_code")}
        class="full"
      />
    </fieldset>
  );
}
