// Keeps the console up to date while somebody watches: one event a second, in the words of the page's language. It
// writes text and attributes only. Where no stream can be had the page is loaded again every five seconds.
'use strict';
(() => {
  const root = document.querySelector('[data-console]');
  if (!root || !window.EventSource) return;
  const watch = root.querySelector('[data-watch]'), pause = root.querySelector('[data-pause]');
  const announce = root.querySelector('[data-announce]');
  let source = null, paused = false, newest = Number(root.dataset.newest), again = 0;

  const items = (list, all, fill) => {
    if (!list) return;
    const key = JSON.stringify(all);
    if (list.shown === key) return;
    list.shown = key;
    list.replaceChildren(...all.map((one) => {
      const item = document.createElement('li');
      fill(item, one);
      return item;
    }));
  };

  const show = (c) => {
    if (c.shape !== undefined && c.texts.head && c.shape !== root.dataset.shape) {
      location.reload();
      return;
    }
    root.dataset.state = c.state;
    for (const e of root.querySelectorAll('[data-live]')) {
      const text = c.texts[e.dataset.live];
      if (text !== undefined && e.textContent !== text) e.textContent = text;
    }
    for (const e of root.querySelectorAll('[data-line]')) e.setAttribute('d', c.lines[e.dataset.line] || '');
    for (const e of root.querySelectorAll('[data-member]')) e.classList.toggle('away', c.away.includes(e.dataset.member));
    items(root.querySelector('[data-findings]'), c.findings, (item, text) => { item.textContent = text; });
    root.querySelector('[data-nothing]').hidden = c.findings.length > 0;
    items(root.querySelector('[data-events]'), c.events, (item, e) => {
      const at = document.createElement('time'), text = document.createElement('span');
      at.textContent = e.at;
      text.textContent = e.text;
      item.append(at, ' ', text);
    });
    if (c.newest > newest && c.events.length > 0) announce.textContent = c.events[0].text;
    newest = c.newest;
  };

  const close = () => {
    clearTimeout(again);
    if (source) source.close();
    source = null;
  };

  const open = () => {
    close();
    if (paused || document.hidden) return;
    const mine = source = new EventSource('/console/live');
    mine.addEventListener('cluster', (e) => {
      watch.textContent = watch.dataset.saidLive;
      show(JSON.parse(e.data));
    });
    mine.onerror = () => {
      watch.textContent = watch.dataset.saidLost;
      if (mine.readyState === EventSource.CLOSED) again = setTimeout(() => location.reload(), 5000);
    };
  };

  pause.addEventListener('click', () => {
    paused = !paused;
    pause.textContent = paused ? pause.dataset.saidGo : pause.dataset.saidStop;
    if (paused) watch.textContent = watch.dataset.saidPaused;
    open();
  });
  pause.closest('[data-if-script]').hidden = false;
  document.addEventListener('visibilitychange', open);
  window.addEventListener('pageshow', open);
  window.addEventListener('pagehide', close);
  open();
})();
