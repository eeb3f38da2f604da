// Keeps a page of results up to date. The server sends texts and widths that are ready to be shown; nothing is worked out
// here. Without this script the page shows how the poll stood when it was loaded.
'use strict';
(() => {
  const box = document.querySelector('[data-live-from]');
  if (!box || !window.EventSource) return;
  const status = document.querySelector('[data-live-status]');
  const pause = document.querySelector('[data-live-pause]');
  const say = document.querySelector('[data-live-say]');
  const bar = document.querySelector('[data-live-bar]');
  const notice = document.querySelector('[data-live-notice]'); // is there only while the numbers are not live
  if (bar) bar.hidden = false;

  const hiddenFor = 60_000;   // a page that nobody sees for so long lets its stream go
  const sayEvery = 30_000;    // at most so often something is said to those who listen
  const pollEvery = 5_000;    // without a stream
  const reloadEvery = 10_000; // where the page must be made again
  const deadAfter = 40_000;   // a stream says every 15 s that it is alive; a connection can die without a word

  let source = null, timer = 0, slow = 0, tag = '', paused = false;
  let index = Number(box.dataset.index), said = 0, heard = 0, loaded = Date.now(), reloading = 0, waiting = null;

  const show = (word) => {
    if (status) status.textContent = status.dataset[word];
    if (notice) notice.hidden = word === 'live';
  };

  const reload = (within) => {
    if (reloading) return;
    reloading = setTimeout(() => { reloading = 0; if (!paused) location.reload(); }, within);
  };

  const apply = (f) => {
    if (paused) { waiting = f; return; }
    if (f.index < index) return; // another server, which is behind: numbers never go back
    index = f.index;
    for (const age of document.querySelectorAll('[data-age]')) age.remove(); // of a server that reached no others then
    if (f.state !== box.dataset.state) { reload(Math.random() * 3000); }
    else if (f.shape !== box.dataset.shape) { reload(Math.max(0, loaded + reloadEvery - Date.now()) + Math.random() * 1000); }
    for (const element of document.querySelectorAll('[data-key]')) {
      const text = f.text[element.dataset.key];
      if (text !== undefined && element.textContent !== text) element.textContent = text;
    }
    for (const line of document.querySelectorAll('[data-bar]')) {
      const width = f.width[line.dataset.bar], fill = line.querySelector('.fill');
      if (width && fill && !line.querySelector('.gain')) fill.setAttribute('width', width);
    }
    box.dataset.index = String(f.index);
    if (say && Date.now() - said >= sayEvery) { say.textContent = f.say; said = Date.now(); }
  };

  const close = () => { if (source) source.close(); source = null; };

  const once = async () => {
    try {
      const answer = await fetch(box.dataset.singleFrom, { headers: tag ? { 'If-None-Match': tag } : {} });
      show(paused ? 'paused' : answer.ok || answer.status === 304 ? 'slow' : 'away');
      if (answer.status === 200) { tag = answer.headers.get('ETag') || ''; apply(await answer.json()); }
      if (answer.status === 401 || answer.status === 403 || answer.status === 404) { location.reload(); }
    } catch { show('away'); }
  };

  // Only an answer that is no stream closes the source for good: too many watch, or the stream has ended.
  const fall = () => {
    if (slow) return;
    slow = setInterval(once, pollEvery);
    once();
    setTimeout(() => { clearInterval(slow); slow = 0; open(); }, 60_000 + Math.random() * 30_000);
  };

  const open = () => {
    if (source || slow) return;
    source = new EventSource(box.dataset.liveFrom);
    const lives = () => { heard = Date.now(); show(paused ? 'paused' : 'live'); };
    heard = Date.now();
    source.addEventListener('open', lives);
    source.addEventListener('alive', lives);
    source.addEventListener('results', (event) => { lives(); apply(JSON.parse(event.data)); });
    source.addEventListener('error', () => {
      show('away');
      if (source && source.readyState === EventSource.CLOSED) { close(); fall(); }
    });
  };
  setInterval(() => {
    if (!source || Date.now() - heard < deadAfter) return;
    show('away');
    close();
    open();
  }, 5_000);

  const seen = () => { clearTimeout(timer); open(); };
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(close, hiddenFor); else seen();
  });
  window.addEventListener('pageshow', (event) => { if (event.persisted) { close(); seen(); } });
  window.addEventListener('pagehide', close);

  window.votedLive = {
    toggle() {
      paused = !paused;
      show(paused ? 'paused' : 'live');
      if (pause) pause.textContent = paused ? pause.dataset.go : pause.dataset.pause;
      if (!paused && waiting) { const f = waiting; waiting = null; apply(f); }
    },
    paused: () => paused,
  };
  if (pause) pause.addEventListener('click', window.votedLive.toggle);
  open();
})();
