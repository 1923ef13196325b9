// The page inside the overlay. It asks the double to play an outcome and tells its opener what a shop would hear.
const data = JSON.parse(document.querySelector('[data-checkout]').dataset.checkout);
const element = (id) => document.getElementById(id);
const opener = window.parent === window ? window.opener : window.parent;

element('merchant').textContent = data.name;
element('description').textContent = data.description;
element('order').textContent = data.orderId;
const amount = new Intl.NumberFormat('en-IN', { style: 'currency', currency: data.currency }).format(data.amount / 100);
element('amount').textContent = amount;
document.querySelector('[data-outcome=success]').textContent = `Pay ${amount}`;
if (data.paid) showProblem('This order is already paid.');

function tell(type, response) {
  if (opener && data.openerOrigin) opener.postMessage({ type, response }, data.openerOrigin);
}

function showProblem(text) {
  element('problem').textContent = text;
  element('problem').hidden = false;
}

function showWaiting(text) {
  element('choose').hidden = true;
  element('waiting').hidden = false;
  element('status').textContent = text;
}

function showChoice() {
  element('waiting').hidden = true;
  element('choose').hidden = false;
}

async function play(outcome) {
  if (outcome === 'cancel') return tell('dismiss');
  element('problem').hidden = true;
  showWaiting(outcome === 'silent' ? 'Waiting for your bank…' : 'Processing your payment…');
  const body = {
    outcome,
    method: document.querySelector('input[name=method]:checked').value,
    ...(data.email ? { email: data.email } : {}),
    ...(data.contact ? { contact: data.contact } : {}),
    ...(outcome === 'late' ? { delay_ms: Math.round(Number(element('delay').value) * 1000) } : {}),
  };
  const response = await fetch(`/checkout/${data.orderId}/pay`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (answer.razorpay_signature) {
    tell('success', answer);
    showWaiting('Payment successful.');
  } else if (outcome === 'debit_no_callback' && response.ok) {
    tell('vanish');
    showWaiting('The money was debited and the tab is gone.');
  } else if (answer.error) {
    showChoice();
    showProblem(`${answer.error.description.replace(/\.$/, '')}. You can try again.`);
    if (response.ok) tell('failed', { error: answer.error });
  }
}

for (const button of document.querySelectorAll('[data-outcome]')) {
  button.addEventListener('click', () => {
    play(button.dataset.outcome).catch(() => {
      showChoice();
      showProblem('The double does not answer.');
    });
  });
}
element('close').addEventListener('click', () => tell('dismiss'));
addEventListener('keydown', (event) => {
  if (event.key === 'Escape') tell('dismiss');
});
document.querySelector('[data-outcome=success]').focus();
