// What stands on the page, found as people find it: by what it is called.
const words = text => (text ?? '').replace(/\s+/g, ' ').trim()
const shown = e => e.checkVisibility({visibilityProperty: true, opacityProperty: true})
const byID = ids => words(ids.split(/\s+/).map(id => document.getElementById(id)?.innerText ?? '').join(' '))
function called(e) {
  if (e.hasAttribute('aria-labelledby')) return byID(e.getAttribute('aria-labelledby'))
  if (e.hasAttribute('aria-label')) return words(e.getAttribute('aria-label'))
  if (e.labels?.length) return words([...e.labels].map(l => l.innerText).join(' '))
  return words(e.innerText || e.value || e.title)
}
const kinds = {
  press: 'a[href], button, input[type=submit], summary',
  field: 'input:not([type=hidden], [type=radio], [type=checkbox], [type=submit]), textarea, select',
  mark: 'input[type=radio], input[type=checkbox]',
}
// A control that is drawn by its label alone, such as a radio button under a row, is found too.
const there = e => shown(e) || [...(e.labels ?? [])].some(shown)
function find(kind, name) {
  const all = [...document.querySelectorAll(kinds[kind])].filter(there)
  for (const fits of [c => c === name, c => c.startsWith(name), c => c.includes(name)]) {
    const found = all.filter(e => fits(called(e)))
    if (found.length === 1) return found[0]
    const inMain = found.filter(e => e.closest('main'))
    if (inMain.length === 1) return inMain[0]
    if (found.length > 1) throw new Error(`${found.length} controls are called ${name}: ${found.map(called).join(' | ')}`)
  }
  throw new Error(`no control is called ${name}; there are: ${all.map(called).join(' | ')}`)
}
// The middle of what is pressed for a control, in the window.
function middle(e) {
  const drawn = shown(e) && e.getBoundingClientRect().width > 1 ? e : [...e.labels].find(shown)
  drawn.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'})
  const box = drawn.getClientRects()[0]
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  const hit = document.elementFromPoint(x, y)
  if (!hit || !(drawn.contains(hit) || hit.contains(drawn) || hit.closest('label')?.control === e)) {
    throw new Error(`${called(e)} is covered by ${hit?.outerHTML.slice(0, 100)}`)
  }
  return {x, y}
}
