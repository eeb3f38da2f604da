// Package voter has the pages of one who votes: the door, which takes the code of a voting link; the ballot, which is
// chosen, checked and cast on three pages; and the receipt.
//
// Three forms and no script are enough to vote. Nothing that was chosen stands in an address, a cookie or the browser's
// storage, and nothing is cast by opening a page.
package voter
