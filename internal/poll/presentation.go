package poll

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// PresentationLevel is the format level from which a definition may say what people read
// and see of a poll: its audience, descriptions, a contact and the order of the options on
// ballots.
const PresentationLevel = 3

// Audience is who may see the results, once they may be seen at all.
type Audience uint8

// The audiences.
const (
	AudienceRoles  Audience = iota // those with a credential that may
	AudienceAnyone                 // everybody, without a credential
)

// OptionOrder is the order in which a voter sees the options. Results keep the order of
// the definition.
type OptionOrder uint8

// The orders.
const (
	OrderListed   OptionOrder = iota // that of the definition
	OrderShuffled                    // one for each voter; see package optionorder
)

// presenting is a bit in the number that encodes the eligibility: if it is set, what people
// read follows, after disclosure and receipts.
const presenting = 1 << 10

// presents reports whether the definition says more of what people read and see than titles.
func (d Definition) presents() bool {
	if d.Audience != AudienceRoles || d.Order != OrderListed || d.Description != "" || d.Contact != "" {
		return true
	}
	for i := range d.Options {
		if d.Options[i].Description != "" {
			return true
		}
	}
	return false
}

// appendPresentation appends audience and order as uvarints, description and contact, and
// the description of each option.
func (d Definition) appendPresentation(b []byte) []byte {
	b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(d.Audience)), uint64(d.Order))
	b = appendString(appendString(b, d.Description), d.Contact)
	for i := range d.Options {
		b = appendString(b, d.Options[i].Description)
	}
	return b
}

// presentation reads what appendPresentation wrote. The options must have been read.
func (c *Cursor) presentation(d *Definition) {
	d.Audience, d.Order = Audience(c.Bounded(255)), OptionOrder(c.Bounded(255))
	d.Description, d.Contact = c.String(), c.String()
	for i := range d.Options {
		d.Options[i].Description = c.String()
	}
}

// checkPresentation checks what people read and see of the poll.
func (d Definition) checkPresentation(wrong func(field, format string, args ...any)) {
	if d.Audience > AudienceAnyone {
		wrong("audience", "Use roles or anyone.")
	}
	if d.Order > OrderShuffled {
		wrong("option_order", "Use listed or shuffled.")
	}
	for _, t := range d.texts() {
		if fault := t.fault(); fault != "" {
			wrong(t.field, "%s", fault)
		}
	}
	sum := 0
	for i := range d.Options {
		sum += len(d.Options[i].Description)
	}
	if sum > MaxDescriptionsBytes {
		wrong("options", "Their descriptions have %d bytes together, at most %d are possible.", sum, MaxDescriptionsBytes)
	}
}

// text is a text of a definition that is longer than a title, with the name of its field.
type text struct {
	field, s  string
	most      int
	multiline bool
}

// texts are the texts of the definition that are not empty.
func (d Definition) texts() []text {
	var all []text
	add := func(t text) {
		if t.s != "" {
			all = append(all, t)
		}
	}
	add(text{"description", d.Description, MaxDescriptionBytes, true})
	add(text{"contact", d.Contact, MaxTitleBytes, false})
	for i := range d.Options[:min(len(d.Options), MaxOptions)] {
		add(text{Member(Item("options", i), "description"), d.Options[i].Description, MaxDescriptionBytes, true})
	}
	return all
}

// fault says what is wrong with the text, "" if nothing is.
func (t text) fault() string {
	switch {
	case len(t.s) > t.most:
		return fmt.Sprintf("It has %d bytes, at most %d are possible.", len(t.s), t.most)
	case !utf8.ValidString(t.s):
		return "It must be valid UTF-8."
	}
	at := strings.IndexFunc(t.s, func(r rune) bool { return unicode.IsControl(r) && !(t.multiline && (r == '\n' || r == '\t')) })
	if at < 0 {
		return ""
	}
	r, _ := utf8.DecodeRuneInString(t.s[at:])
	if t.multiline {
		return fmt.Sprintf("It is plain text: take out the control character U+%04X at byte %d. Lines end with a line feed alone.", r, at+1)
	}
	return fmt.Sprintf("It is one line of plain text: take out the control character U+%04X at byte %d.", r, at+1)
}

// rule is fault, and the rules by which members must not judge the log; see Acceptable.
func (t text) rule() string {
	if fault := t.fault(); fault != "" {
		return fault
	}
	for at, r := range t.s {
		if unseen(r) {
			return fmt.Sprintf("It must not hold characters that cannot be seen; take out U+%04X at byte %d.", r, at+1)
		}
	}
	return ""
}
