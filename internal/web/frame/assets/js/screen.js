// What a projector's page does by itself: the time that is left, pages of options, and a few keys. There is nothing on it
// to press.
'use strict';
(() => {
  const screen = document.querySelector('.screen');
  if (!screen) return;
  const left = screen.querySelector('[data-left]'), keys = screen.querySelector('[data-keys]');
  const vote = screen.querySelector('[data-vote]'), pages = [...screen.querySelectorAll('[data-screen-page]')];
  const still = matchMedia('(prefers-reduced-motion: reduce)');
  const pageEvery = 10_000, keysFor = 4_000;

  const two = (n) => String(n).padStart(2, '0');
  const span = (seconds) => {
    const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600) % 24, minutes = Math.floor(seconds / 60) % 60;
    return (days ? days + ':' + two(hours) : String(hours)) + ':' + two(minutes) + ':' + two(seconds % 60);
  };
  const tick = () => {
    const closes = screen.dataset.closes, opens = screen.dataset.opens, at = opens || closes;
    if (!at || !left) return;
    const seconds = Math.max(0, Math.round((Date.parse(at) - Date.now()) / 1000));
    left.hidden = false;
    left.textContent = (opens ? left.dataset.untilText : left.dataset.leftText).replace('{0}', span(seconds));
  };
  tick();
  setInterval(tick, 1000);

  let shown = 0;
  const next = () => {
    if (pages.length < 2) return;
    pages[shown].hidden = true;
    shown = (shown + 1) % pages.length;
    pages[shown].hidden = false;
  };
  const live = () => window.votedLive;
  setInterval(() => { if (!still.matches && !(live() && live().paused())) next(); }, pageEvery);

  const repeats = screen.querySelector('[data-repeats]');
  const recognised = async () => {
    if (document.hidden || (live() && live().paused())) return;
    try {
      const answer = await fetch(repeats.dataset.repeats);
      if (answer.ok) repeats.textContent = await answer.text();
    } catch { /* the next time */ }
  };
  if (repeats && screen.dataset.liveFrom) setInterval(recognised, 5_000);

  let hide = 0;
  const moved = () => {
    if (!keys) return;
    keys.hidden = false;
    clearTimeout(hide);
    hide = setTimeout(() => { keys.hidden = true; }, keysFor);
  };
  document.addEventListener('mousemove', moved);
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    moved();
    switch (event.key) {
      case 'f': if (document.fullscreenElement) document.exitFullscreen(); else document.documentElement.requestFullscreen(); break;
      case 'p': if (live()) live().toggle(); break;
      case 'n': next(); break;
      case 'q': if (vote) vote.hidden = !vote.hidden; break;
    }
  });
})();
