// Package browser looks at the pages as people do: with Debian's chromium, on real
// clusters under TLS. It is a module of its own, because nothing of what drives a browser
// belongs into the product.
//
// A test opens a Tab, which has cookies and a cache of its own, and uses the page by what
// stands on it: Press("Check my ballot"), Mark("Ann"), Fill("Voting code", …). What the
// page asks for and complains about is kept with the tab. Where no chromium is installed
// tests of tabs are skipped, and fail in CI (CI=true).
//
//	go test -shots /tmp/shots    keeps what Tab.Shot sees as PNG files, for people to look at
package browser
