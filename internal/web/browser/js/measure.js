// What can be measured of a page as it is drawn.
const drawn = e => e.checkVisibility({visibilityProperty: true, opacityProperty: true})
const place = e => {
  const id = e.id ? '#' + e.id : ''
  return e.localName + id + (e.classList.length ? '.' + [...e.classList].join('.') : '')
}

// A colour as [r, g, b, alpha], whatever notation it has.
const paint = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true})
function rgba(css) {
  paint.clearRect(0, 0, 1, 1)
  paint.fillStyle = css
  paint.fillRect(0, 0, 1, 1)
  const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data
  return [r, g, b, a / 255]
}
const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1]
// WCAG 2.2, relative luminance and contrast ratio.
function luminance([r, g, b]) {
  const [R, G, B] = [r, g, b].map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  return 0.2126 * R + 0.7152 * G + 0.0722 * B
}
function ratio(a, b) {
  const [x, y] = [luminance(a), luminance(b)]
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)
}
function behind(e) {
  const layers = []
  for (let at = e; at; at = at.parentElement) {
    const layer = rgba(getComputedStyle(at).backgroundColor)
    if (layer[3] > 0) layers.push(layer)
    if (layer[3] === 1) break
  }
  const canvas = matchMedia('(prefers-color-scheme: dark)').matches && /dark/.test(getComputedStyle(document.documentElement).colorScheme)
    ? [18, 18, 18, 1] : [255, 255, 255, 1]
  return layers.reduceRight((below, layer) => over(layer, below), canvas)
}

// Texts whose contrast is less than at least.
function faint(least) {
  const found = []
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let n = texts.nextNode(); n; n = texts.nextNode()) {
    const e = n.parentElement
    if (!n.data.trim() || !drawn(e) || e.closest('svg, script, style, template, noscript')) continue
    const box = e.getBoundingClientRect()
    if (box.width <= 1 || box.height <= 1) continue // for screen readers only
    if (e.closest('[disabled], [inert]')) continue
    const back = behind(e)
    const c = ratio(over(rgba(getComputedStyle(e).color), back), back)
    if (c < least - 0.005) found.push(`${place(e)} "${n.data.trim().slice(0, 40)}" ${c.toFixed(2)}:1`)
  }
  return [...new Set(found)]
}

// Controls that are lower than least CSS pixels. Links within a text may be as high as the text.
const controls = 'button, input:not([type=hidden]), select, textarea, summary, a[href]'
function flat(least) {
  return [...document.querySelectorAll(controls)].filter(e => {
    if (!drawn(e) && ![...(e.labels ?? [])].some(drawn)) return false
    if (e.localName === 'a' && getComputedStyle(e).display === 'inline') return false
    const mark = e.type === 'radio' || e.type === 'checkbox'
    const boxes = [e, ...(mark ? e.labels : [])].filter(drawn).map(x => x.getBoundingClientRect())
    if (boxes.every(b => b.width <= 1 || b.right < 0)) return false // a link that shows when it has the focus
    return Math.max(...boxes.map(b => b.height)) < least - 0.5
  }).map(e => `${place(e)} "${(e.innerText || e.name || '').trim().slice(0, 40)}" ${e.getBoundingClientRect().height.toFixed(1)} px`)
}

// What reaches beyond the window's right edge. What scrolls by itself, such as a wide table in a
// box of its own, may be wider than its box.
function wide() {
  const width = document.documentElement.clientWidth
  if (document.documentElement.scrollWidth <= width) return []
  const found = [...document.body.querySelectorAll('*')].filter(e => {
    if (!drawn(e) || e.getBoundingClientRect().right <= width + 0.5) return false
    for (let at = e.parentElement; at; at = at.parentElement) {
      if (/auto|scroll|hidden|clip/.test(getComputedStyle(at).overflowX) && at !== document.documentElement && at !== document.body) return false
    }
    return true
  })
  return [`the page is ${document.documentElement.scrollWidth} px wide in a window of ${width}`, ...found.slice(-5).map(e => `${place(e)} in ${e.parentElement.localName}.${e.parentElement.className} "${(e.textContent ?? '').trim().slice(0, 40)}" ${getComputedStyle(e).whiteSpace} ${e.getBoundingClientRect().right.toFixed()} px`)]
}

// Texts that are cut off by their own box.
function cut() {
  return [...document.body.querySelectorAll('*')].filter(e => {
    const style = getComputedStyle(e)
    return drawn(e) && e.innerText?.trim() && e.clientWidth > 1 && /hidden|clip/.test(style.overflowX + style.overflowY) &&
      (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
  }).map(place)
}

// The ring around what has the focus, in CSS pixels, and how far it stands out from what is around.
function ring() {
  const e = document.activeElement
  if (!e || e === document.body) return null
  const shownBy = [e, ...(e.labels ?? []), e.closest('label, li')].filter(Boolean)
  const width = x => {
    const s = getComputedStyle(x)
    return s.outlineStyle === 'none' ? 0 : parseFloat(s.outlineWidth)
  }
  return {
    Place: place(e), Name: (e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || e.name || '').trim().slice(0, 60),
    Ring: Math.max(...shownBy.map(width)),
    Order: [...document.querySelectorAll('*')].indexOf(e), Group: e.type === 'radio' ? e.name : '',
  }
}

// Everything that Tab should come to, as the document has it: one stop for a group of radio buttons.
function stops() {
  const groups = new Set()
  return [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]')].filter(e => {
    if (e.disabled || e.tabIndex < 0 || e.closest('[inert]')) return false
    if (!e.checkVisibility({visibilityProperty: true}) && ![...(e.labels ?? [])].some(drawn)) return false
    if (e.type !== 'radio') return true
    if (groups.has(e.name)) return false
    groups.add(e.name)
    return true
  }).map(place)
}
