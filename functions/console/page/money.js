// Money is whole minor units everywhere; beside a currency it is shown in major ones, too.

const digits = new Map();

/** How many digits the minor unit of a currency has. */
function places(currency) {
  if (!digits.has(currency)) {
    let known = 2;
    try {
      known = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits;
    } catch {
      // A code that this browser does not know.
    }
    digits.set(currency, known);
  }
  return digits.get(currency);
}

/** The currency that the numbers of an object are in, if it names one. */
export function currencyOf(object) {
  const found = object?.currency;
  return typeof found === 'string' && /^[A-Z]{3}$/.test(found) ? found : null;
}

/** `1250` and `EUR` are `12.50 EUR`. Done on the text, so that no amount is too great. */
export function major(amount, currency) {
  const text = String(amount).replace('-', '');
  const count = places(currency);
  const padded = text.padStart(count + 1, '0');
  const whole = padded.slice(0, padded.length - count).replace(/\B(?=(\d{3})+$)/g, ',');
  const rest = count ? `.${padded.slice(-count)}` : '';
  return `${String(amount).startsWith('-') ? '-' : ''}${whole}${rest} ${currency}`;
}

/** What a typed major amount is in minor units, such as 50 of EUR: 5000. */
export function minor(text, currency) {
  return text + '0'.repeat(places(currency));
}

/** Whether this is a whole number. */
export const isWhole = (value) => typeof value === 'bigint' || Number.isInteger(value);
