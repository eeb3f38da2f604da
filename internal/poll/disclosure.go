package poll

import "encoding/binary"

// Disclosure is what those who read a poll's ballots are shown.
type Disclosure uint8

// The disclosures.
const (
	DisclosureDefault Disclosure = iota // the profile in a secret poll, the ballots in an open one
	DiscloseProfile                     // how many ballots hold each choice
	DiscloseBallots                     // each ballot, with what names its voter
)

// Receipts is what receipts prove.
type Receipts uint8

// The kinds of receipts.
const (
	ReceiptsDefault Receipts = iota // counted where only the profile is disclosed, else opened
	ReceiptsCounted                 // a ballot of the voter counts; not what it says
	ReceiptsOpened                  // what it says too
)

// Discloses returns what the poll discloses; never the default.
func (d Definition) Discloses() Disclosure {
	switch {
	case d.Disclosure != DisclosureDefault:
		return d.Disclosure
	case d.Secrecy == Open:
		return DiscloseBallots
	}
	return DiscloseProfile
}

// Proves returns what the poll's receipts prove; never the default.
func (d Definition) Proves() Receipts {
	switch {
	case d.Receipts != ReceiptsDefault:
		return d.Receipts
	case d.Secrecy == Open || d.Disclosure == DiscloseBallots:
		return ReceiptsOpened
	}
	return ReceiptsCounted
}

// plainlyShown returns the definition without what is its default anyway, so that two
// ways to write one definition are the same poll.
func (d Definition) plainlyShown() Definition {
	ordinary := Definition{Secrecy: d.Secrecy}
	if d.Disclosure == ordinary.Discloses() {
		d.Disclosure = DisclosureDefault
	}
	ordinary.Disclosure = d.Disclosure
	if d.Receipts == ordinary.Proves() {
		d.Receipts = ReceiptsDefault
	}
	return d
}

// checkDisclosure checks what the poll shows of its ballots. What an open poll's exports
// show of each voter no receipt needs to hide.
func (d Definition) checkDisclosure(wrong func(field, format string, args ...any)) {
	switch {
	case d.Disclosure > DiscloseBallots:
		wrong("disclosure", "Use profile or ballots.")
	case d.Disclosure == DiscloseProfile && d.Secrecy == Open:
		wrong("disclosure", "An open poll shows each ballot with its voter; profile is for secret polls.")
	}
	switch {
	case d.Receipts > ReceiptsOpened:
		wrong("receipt", "Use counted or opened.")
	case d.Receipts == ReceiptsCounted && d.Secrecy == Open:
		wrong("receipt", "An open poll shows who chose what; counted is for secret polls.")
	}
}

// disclosing is a bit in the number that encodes the eligibility: if it is set, disclosure
// and receipts follow, after the settings of the count.
const disclosing = 1 << 9

// shows reports whether the definition says more of what is shown than its secrecy.
func (d Definition) shows() bool {
	return d.Disclosure != DisclosureDefault || d.Receipts != ReceiptsDefault
}

func (d Definition) appendDisclosure(b []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(d.Disclosure)), uint64(d.Receipts))
}

// disclosure reads what appendDisclosure wrote.
func (c *Cursor) disclosure(d *Definition) {
	d.Disclosure, d.Receipts = Disclosure(c.Bounded(255)), Receipts(c.Bounded(255))
}
