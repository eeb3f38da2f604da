// Makes the ballot better where there is script: a ranking by buttons, a counter, a field to find options; and sends a
// ballot again and again until it is known whether it is in the box. Nothing is stored.
'use strict';

// Texts come from the page. '#', '%' and '@' in them stand for what is filled in.
const fill = (text, ...values) => text.replace(/[#%@]/g, (sign) => values['#%@'.indexOf(sign)] ?? sign);

const make = (tag, text, attributes = {}) => {
  const e = document.createElement(tag);
  if (text) e.textContent = text;
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  return e;
};

const choose = (form) => {
  // A page that comes back out of the browser's memory may be older than the ballot that was cast from it.
  addEventListener('pageshow', async (e) => {
    if (!e.persisted || form.elements.replaces) return;
    const receipt = form.action.replace(/\/review$/, '/receipt');
    try {
      const answer = await fetch(receipt, {headers: {Accept: 'application/json'}, cache: 'no-store'});
      if (answer.ok) location.replace(receipt);
    } catch { /* the marks stay as they are */ }
  });

  const filter = document.getElementById('filter');
  if (filter) {
    filter.parentElement.hidden = false;
    filter.addEventListener('input', () => { // hides rows, and never unmarks
      const wanted = filter.value.trim().toLocaleLowerCase();
      for (const row of form.querySelectorAll('#rows > .row')) row.classList.toggle('hiding', !row.textContent.toLocaleLowerCase().includes(wanted));
    });
    filter.addEventListener('keydown', (e) => { if (e.key === 'Enter') e.preventDefault(); });
  }

  const boxes = form.querySelectorAll('input[type=checkbox][name=choice]');
  const counter = document.getElementById('counter');
  const most = Number(form.dataset.most);
  if (boxes.length > 0 && counter) {
    const count = () => {
      const n = [...boxes].filter((b) => b.checked).length;
      counter.textContent = n > most ? form.dataset.toomany : n > 0 ? fill(form.dataset.counter, n) : '';
      counter.classList.toggle('bad', n > most);
    };
    form.addEventListener('change', count);
    count();
  }

  if (form.dataset.form === 'ranking' && form.dataset.shared === undefined) rank(form);
};

// rank shows a ranking as two lists, with buttons. The selects stay in the form, and hold the ranks.
const rank = (form) => {
  const rows = document.getElementById('rows');
  const said = document.getElementById('said');
  const words = form.dataset.words.split('|');
  const options = [...rows.querySelectorAll('.row')].map((row) => ({row, name: row.querySelector('.name bdi').textContent, field: row.querySelector('select, input')}));
  const value = (o) => Number(o.field.value) || 0;
  const ranks = options.map(value).filter((n) => n > 0);
  if (new Set(ranks).size !== ranks.length) return; // as typed: two share a rank, which the page says
  let mine = options.filter((o) => value(o) > 0).sort((a, b) => value(a) - value(b));
  const most = Number(form.dataset.most);
  const lists = make('div', '', {class: 'ranked'});
  for (const o of options) { // what is wrong with an option leads to its buttons: its field is not seen
    o.id = o.field.id;
    o.field.removeAttribute('id');
  }

  const button = (o, kind, label, act, off) => {
    const b = make('button', label, {type: 'button', 'aria-label': fill(form.dataset[kind], o.name), 'data-kind': kind});
    if (kind !== 'add') b.className = 'second';
    b.disabled = Boolean(off);
    b.addEventListener('click', () => { act(); show(); settle(o, kind); });
    return b;
  };
  const move = (o, by) => () => {
    const at = mine.indexOf(o);
    mine.splice(at, 1);
    mine.splice(at + by, 0, o);
  };
  const line = (o, place, buttons) => {
    const row = make('div', '', {class: 'row', 'data-for': o.field.name});
    if (place) row.append(make('span', place + '.', {class: 'place'}));
    const name = make('span', '', {class: 'name'});
    name.append(...[...o.row.querySelector('.name').childNodes].map((n) => n.cloneNode(true)));
    const moves = make('span', '', {class: 'moves'});
    moves.append(...buttons);
    if (o.id) (buttons.find((b) => !b.disabled) || row).id = o.id;
    row.append(name, moves);
    return row;
  };
  const show = () => {
    for (const o of options) o.field.value = mine.includes(o) ? String(mine.indexOf(o) + 1) : '';
    lists.replaceChildren(make('h2', form.dataset.yours));
    if (mine.length === 0) lists.append(make('p', form.dataset.none, {class: 'muted'}));
    mine.forEach((o, i) => lists.append(line(o, i + 1, [
      button(o, 'up', words[1], move(o, -1), i === 0),
      button(o, 'down', words[2], move(o, 1), i === mine.length - 1),
      button(o, 'remove', words[3], () => { mine = mine.filter((m) => m !== o); }),
    ])));
    const rest = options.filter((o) => !mine.includes(o));
    if (rest.length > 0) lists.append(make('h2', form.dataset.others));
    for (const o of rest) lists.append(line(o, 0, [button(o, 'add', words[0], () => mine.push(o), mine.length >= most)]));
    filterAgain();
  };
  // settle says what has happened, and keeps the focus on the same button of the option that was moved, or on a neighbour.
  const settle = (o, kind) => {
    const at = mine.indexOf(o);
    said.textContent = at < 0 ? fill(form.dataset.gone, o.name) : fill(form.dataset.said, o.name, at + 1, mine.length);
    const row = [...lists.children].find((r) => r.dataset.for === o.field.name);
    const buttons = [...row.querySelectorAll('button')].filter((b) => !b.disabled);
    (buttons.find((b) => b.dataset.kind === kind) || buttons[0] || row).focus();
  };
  const filter = document.getElementById('filter');
  const filterAgain = () => {
    const wanted = filter ? filter.value.trim().toLocaleLowerCase() : '';
    for (const row of lists.querySelectorAll('.row')) row.classList.toggle('hiding', !row.textContent.toLocaleLowerCase().includes(wanted));
  };
  if (filter) filter.addEventListener('input', filterAgain);
  rows.hidden = true;
  rows.before(lists);
  show();
};

// How a ballot is sent again: after 0.4 s and twice as long each time, but 15 s at most, each by a random factor of 0.5
// to 1.5; for two minutes, then the voter decides. A node holds a request for 10 s over a failover.
const first = 400, longest = 15000, timeout = 15000, giveUp = 120000;
const passing = [408, 425, 429, 502, 503, 504, 507];

const cast = (form) => {
  const status = document.getElementById('sending');
  const words = form.dataset;
  let unknown = false, timer = 0, wake = null;
  let tried = false; // a try began while there was a network: the ballot may be in the box
  const say = (text, ...more) => status.replaceChildren(text, ...more);
  addEventListener('beforeunload', (e) => { if (unknown) e.preventDefault(); });
  const offline = () => (tried ? words.cut : words.offline);
  const sleep = (ms) => new Promise((done) => { wake = done; setTimeout(done, ms); });
  const back = () => { if (wake) wake(); };
  addEventListener('online', back);
  addEventListener('pageshow', back);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) back(); });

  const ask = async (path, init) => {
    const abort = new AbortController();
    const end = setTimeout(() => abort.abort(), timeout);
    try {
      return await fetch(path, {...init, headers: {Accept: 'application/json'}, signal: abort.signal, cache: 'no-store', redirect: 'error'});
    } finally {
      clearTimeout(end);
    }
  };
  const leave = (act) => { unknown = false; clearTimeout(timer); act(); };

  const send = async (body) => {
    const began = Date.now();
    unknown = true;
    form.inert = true;
    say(words.sending);
    timer = setTimeout(() => say(words.still), 2000);
    for (let tries = 0; ; tries++) {
      if (tries > 0) {
        clearTimeout(timer);
        say(navigator.onLine ? words.again : offline());
      }
      tried ||= navigator.onLine;
      let wait = Math.min(longest, first * 2 ** tries) * (0.5 + Math.random());
      try {
        const answer = await ask(form.action, {method: 'POST', body});
        if (answer.ok) {
          const to = await answer.json();
          return leave(() => location.replace(to.location)); // Back leads to the ballot, not to a form that is done
        }
        if (!passing.includes(answer.status)) return leave(() => form.submit()); // the page says why
        wait = Math.max(wait, 1000 * (Number(answer.headers.get('Retry-After')) || 0));
      } catch { // lost on its way there, or on its way back
        if (!navigator.onLine) {
          say(offline());
          wait = longest;
        }
      }
      if (Date.now() - began > giveUp) return doubt(body);
      await sleep(wait);
    }
  };

  const choice = (text, act) => {
    const b = make('button', text, {type: 'button'});
    b.addEventListener('click', act);
    return b;
  };
  const doubt = (body) => {
    clearTimeout(timer);
    say(words.unknown, make('br'), choice(words.send, () => send(body)), choice(words.look, () => look(body)));
  };
  const look = async (body) => {
    say(words.looking);
    try {
      const replaces = Number(body.get('replaces'));
      const answer = await ask(words.path + '/receipt?instead-of=' + replaces);
      const there = answer.ok ? await answer.json() : {version: 0};
      if (there.version > replaces) return leave(() => location.replace(there.location));
      if (answer.ok || answer.status === 404) return say(answer.ok ? words.earlier : words.absent, make('br'), choice(words.now, () => send(body)));
    } catch { /* as before */ }
    doubt(body);
  };

  form.addEventListener('submit', (e) => {
    e.preventDefault();
    if (unknown) return; // it is being sent
    send(new URLSearchParams(new FormData(form)));
  });
  addEventListener('pageshow', (e) => { if (e.persisted) { unknown = false; form.inert = false; say(''); } });
};

const ballot = document.getElementById('ballot');
if (ballot) choose(ballot);
const casting = document.getElementById('cast');
if (casting) cast(casting);
