// Writes each <time> in the browser's own time zone and in the page's language.
'use strict';
(() => {
  const language = document.documentElement.lang;
  const minute = new Intl.DateTimeFormat(language, {dateStyle: 'long', timeStyle: 'short'});
  const second = new Intl.DateTimeFormat(language, {dateStyle: 'long', timeStyle: 'medium'});
  for (const time of document.querySelectorAll('time[datetime][data-to]')) {
    const at = new Date(time.dateTime);
    if (isNaN(at)) continue;
    time.title = time.textContent;
    time.textContent = (time.dataset.to === 'second' ? second : minute).format(at);
  }
})();
