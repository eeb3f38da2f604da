// Writes each <time> in the browser's own time zone and in the page's language.
'use strict';
(() => {
  const page = document.documentElement.lang;
  const language = navigator.languages.find((l) => l.split('-')[0] === page) || page; // en-GB and en-US write dates in two ways
  const minute = new Intl.DateTimeFormat(language, {dateStyle: 'long', timeStyle: 'short'});
  const second = new Intl.DateTimeFormat(language, {dateStyle: 'long', timeStyle: 'medium'});
  for (const time of document.querySelectorAll('time[datetime][data-to]')) {
    const at = new Date(time.dateTime);
    if (isNaN(at)) continue;
    time.title = time.textContent;
    time.textContent = (time.dataset.to === 'second' ? second : minute).format(at);
  }
})();
