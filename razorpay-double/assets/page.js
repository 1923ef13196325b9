// The page inside the overlay. It asks the double to play an outcome and tells its opener what a shop would hear.
const data = JSON.parse(document.querySelector('[data-checkout]').dataset.checkout);
const element = (id) => document.getElementById(id);
const opener = window.parent === window ? window.opener : window.parent;
const steps = ['choose', 'bank', 'waiting'];

element('merchant').textContent = data.name;
element('description').textContent = data.description;
element('order').textContent = data.orderId;
const amount = new Intl.NumberFormat('en-IN', { style: 'currency', currency: data.currency }).format(data.amount / 100);
element('amount').textContent = amount;
element('pay').textContent = `Pay ${amount}`;
const spaced = (number) => number.replace(/(.{4})(?=.)/g, '$1 ');
element('number').value = spaced(data.cards[0].number);
element('cards').append(
  ...data.cards.map(({ number, network, reason }) => new Option(`${network}: ${reason ?? 'success'}`, spaced(number))),
);
element('reason').append(...data.reasons.map((reason) => new Option(reason.replaceAll('_', ' '), reason)));
chooseMethod(data.method);
if (data.paid) showProblem('This order is already paid.');

function tell(type, response, times) {
  if (opener && data.openerOrigin) opener.postMessage({ type, response, times }, data.openerOrigin);
}

function showProblem(text) {
  element('problem').textContent = text;
  element('problem').hidden = false;
}

function show(step) {
  for (const name of steps) element(name).hidden = name !== step;
}

function showWaiting(text) {
  show('waiting');
  element('status').textContent = text;
}

function method() {
  return document.querySelector('input[name=method]:checked').value;
}

function chooseMethod(wanted) {
  const radio = document.querySelector(`input[name=method][value="${CSS.escape(wanted)}"]`);
  if (radio) radio.checked = true;
  for (const fields of document.querySelectorAll('.instrument')) fields.hidden = fields.dataset.method !== method();
}

/** The customer pays with what the form says. A card goes by its bank first. */
function pay() {
  if (method() === 'card') {
    show('bank');
    element('otp').focus();
    return undefined;
  }
  return play('pay', method() === 'upi' ? { vpa: element('vpa').value } : {});
}

async function play(what, more) {
  element('problem').hidden = true;
  showWaiting(what === 'silent' ? 'Waiting for your bank…' : 'Processing your payment…');
  const body = {
    method: method(),
    ...(data.email ? { email: data.email } : {}),
    ...(data.contact ? { contact: data.contact } : {}),
    ...(data.notes ? { notes: data.notes } : {}),
    ...more,
  };
  const response = await fetch(`/checkout/${data.orderId}/pay`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { double_times: times, ...answer } = await response.json();
  if (answer.razorpay_signature) {
    tell('success', answer, times);
    showWaiting('Payment successful.');
  } else if (answer.error) {
    show('choose');
    showProblem(`${answer.error.description.replace(/\.$/, '')}. You can try again.`);
    if (response.ok) tell('failed', { error: answer.error });
  } else if (answer.status !== 'created') {
    // Debited, and the shop is not told.
    tell('vanish');
    showWaiting('The money was debited and the tab is gone.');
  }
}

/** What the customer and the bank do when a button says so, whatever card or id is in the form. */
function playOutcome(outcome) {
  switch (outcome) {
    case 'cancel':
      return tell('dismiss');
    case 'fail':
      return play(outcome, { outcome, reason: element('reason').value });
    case 'late':
      return play(outcome, { outcome, delay_ms: Math.round(Number(element('delay').value) * 1000) });
    default:
      return play(outcome, { outcome });
  }
}

function onAction(target, type, action) {
  target.addEventListener(type, (event) => {
    event.preventDefault();
    Promise.resolve(action()).catch(() => {
      show('choose');
      showProblem('The double does not answer.');
    });
  });
}

onAction(element('pay'), 'click', pay);
onAction(element('bank'), 'submit', () =>
  play('pay', { card: { number: element('number').value, otp: element('otp').value } }),
);
for (const button of document.querySelectorAll('.outcomes [data-outcome]')) {
  onAction(button, 'click', () => playOutcome(button.dataset.outcome));
}
for (const radio of document.querySelectorAll('input[name=method]')) {
  radio.addEventListener('change', () => chooseMethod(radio.value));
}
element('close').addEventListener('click', () => tell('dismiss'));
addEventListener('keydown', (event) => {
  if (event.key === 'Escape') tell('dismiss');
});
// A button that is seen does something: nothing is offered before all of them are wired.
element('close').hidden = false;
show('choose');
element('pay').focus();
