// Razorpay Checkout, as far as a shop can see it: `new Razorpay(options).open()`. Served by razorpay-double.
// The overlay's page has buttons for what the customer and the bank do next.
{
  const base = new URL(document.currentScript.src).origin;

  class Razorpay {
    #options;
    #listeners = new Map();
    #overlay = null;
    #frame = null;
    #timer = 0;
    #failures = 0;
    #focused = null;

    constructor(options) {
      if (!options?.key) throw new Error('No key passed');
      if (!options.order_id) throw new Error('order_id is required');
      this.#options = options;
    }

    on(event, listener) {
      this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
      return this;
    }

    open() {
      if (this.#overlay) return;
      const { name, description, notes, prefill, timeout } = this.#options;
      const url = new URL(`/checkout/${encodeURIComponent(this.#options.order_id)}`, base);
      const parameters = {
        key_id: this.#options.key,
        origin: location.origin,
        name,
        description,
        notes: notes && JSON.stringify(notes),
        email: prefill?.email,
        contact: prefill?.contact,
        method: prefill?.method,
      };
      for (const [key, value] of Object.entries(parameters)) if (value) url.searchParams.set(key, value);
      this.#focused = document.activeElement;
      this.#overlay = document.createElement('div');
      this.#overlay.className = 'razorpay-container';
      this.#overlay.setAttribute('role', 'dialog');
      this.#overlay.setAttribute('aria-modal', 'true');
      this.#overlay.setAttribute('aria-label', 'Payment');
      this.#overlay.style.cssText = 'position:fixed;inset:0;z-index:2147483647;background:rgba(0,0,0,.6)';
      this.#frame = document.createElement('iframe');
      this.#frame.className = 'razorpay-checkout-frame';
      this.#frame.title = 'Payment';
      this.#frame.src = url.href;
      this.#frame.style.cssText = 'width:100%;height:100%;border:0;background:transparent';
      this.#overlay.append(this.#frame);
      document.body.append(this.#overlay);
      this.#frame.addEventListener('load', () => this.#frame?.focus(), { once: true });
      addEventListener('message', this.#onMessage);
      addEventListener('keydown', this.#onKey);
      if (timeout > 0) this.#timer = setTimeout(() => this.#dismiss('timeout'), timeout * 1000);
    }

    close() {
      clearTimeout(this.#timer);
      removeEventListener('message', this.#onMessage);
      removeEventListener('keydown', this.#onKey);
      this.#overlay?.remove();
      this.#overlay = null;
      this.#frame = null;
      this.#focused?.focus?.();
      this.#focused = null;
    }

    #onKey = (event) => {
      if (event.key === 'Escape' && this.#options.modal?.escape !== false) this.#leave();
    };

    #onMessage = (event) => {
      // Both: another page of the double's origin may be open, and the frame may have been sent elsewhere.
      if (event.origin !== base || event.source !== this.#frame?.contentWindow) return;
      const { type, response, times } = event.data ?? {};
      if (type === 'success') this.#succeed(response, times);
      else if (type === 'failed') this.#fail(response);
      else if (type === 'dismiss') this.#leave();
      // The tab is "closed" after the debit: nobody is told anything.
      else if (type === 'vanish') this.close();
    };

    /** `times` 2: a fault tells the shop twice. */
    #succeed(response, times = 1) {
      this.close();
      const { handler, callback_url, redirect } = this.#options;
      const posts = callback_url && (redirect || !handler);
      if (posts && times > 1) {
        // Not waited for: the two requests race, as a customer's double click would make them.
        fetch(callback_url, { method: 'POST', mode: 'no-cors', body: new URLSearchParams(response) }).catch(() => {});
      }
      if (posts) submitForm(callback_url, response);
      else for (let nth = 0; nth < times; nth += 1) handler?.({ ...response });
    }

    #fail(response) {
      // With retry on (the default) Checkout stays open and offers another attempt.
      const retry = this.#options.retry;
      this.#failures += 1;
      const exhausted = this.#failures > (retry?.max_count ?? Number.POSITIVE_INFINITY);
      if (retry === false || retry?.enabled === false || exhausted) this.close();
      for (const listener of this.#listeners.get('payment.failed') ?? []) listener(response);
    }

    #leave() {
      if (this.#options.modal?.confirm_close && !confirm('Cancel the payment?')) return;
      this.#dismiss();
    }

    #dismiss(reason) {
      this.close();
      this.#options.modal?.ondismiss?.(reason);
    }
  }

  const submitForm = (action, fields) => {
    const form = document.createElement('form');
    form.method = 'POST';
    form.action = action;
    for (const [name, value] of Object.entries(fields)) {
      const input = document.createElement('input');
      input.type = 'hidden';
      input.name = name;
      input.value = value;
      form.append(input);
    }
    document.body.append(form);
    form.submit();
  };

  window.Razorpay = Razorpay;
}
