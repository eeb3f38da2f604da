package poll

import (
	"reflect"
	"strings"
	"testing"
)

func TestWhatAPollDisclosesAndProvesByDefaultFollowsItsSecrecy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		d          Definition
		discloses  Disclosure
		proves     Receipts
		plain      bool // nothing is said that is not the default
		fault      string
		faultField string
	}{
		"secret":                   {Definition{}, DiscloseProfile, ReceiptsCounted, true, "", ""},
		"secret, with its default": {Definition{Disclosure: DiscloseProfile, Receipts: ReceiptsCounted}, DiscloseProfile, ReceiptsCounted, true, "", ""},
		"secret, with its ballots": {Definition{Disclosure: DiscloseBallots}, DiscloseBallots, ReceiptsOpened, false, "", ""},
		"secret, with its ballots and opened receipts":    {Definition{Disclosure: DiscloseBallots, Receipts: ReceiptsOpened}, DiscloseBallots, ReceiptsOpened, false, "", ""},
		"secret, with its ballots and receipts that hide": {Definition{Disclosure: DiscloseBallots, Receipts: ReceiptsCounted}, DiscloseBallots, ReceiptsCounted, false, "finds the choice to the number", "receipt"},
		"secret, with opened receipts":                    {Definition{Receipts: ReceiptsOpened}, DiscloseProfile, ReceiptsOpened, false, "", ""},
		"open":                                            {Definition{Secrecy: Open}, DiscloseBallots, ReceiptsOpened, true, "", ""},
		"open, with its default":                          {Definition{Secrecy: Open, Disclosure: DiscloseBallots, Receipts: ReceiptsOpened}, DiscloseBallots, ReceiptsOpened, true, "", ""},
		"open, with a profile alone":                      {Definition{Secrecy: Open, Disclosure: DiscloseProfile}, DiscloseProfile, ReceiptsOpened, false, "profile is for secret polls", "disclosure"},
		"open, with receipts that hide":                   {Definition{Secrecy: Open, Receipts: ReceiptsCounted}, DiscloseBallots, ReceiptsCounted, false, "counted is for secret polls", "receipt"},
		"a disclosure that is none":                       {Definition{Disclosure: 3}, 3, ReceiptsCounted, false, "Use profile or ballots.", "disclosure"},
		"receipts that are none":                          {Definition{Receipts: 3}, DiscloseProfile, 3, false, "Use counted or opened.", "receipt"},
	} {
		d := c.d
		d.ID, d.Options, d.MinSelections = "p", []Option{{ID: "a"}, {ID: "b"}}, 1
		d = d.WithDefaults()
		if d.Discloses() != c.discloses || d.Proves() != c.proves {
			t.Errorf("%s: it discloses %d and proves %d", name, d.Discloses(), d.Proves())
		}
		// What is the default anyway has the bytes and the level of what was left out.
		plain := d
		plain.Disclosure, plain.Receipts = DisclosureDefault, ReceiptsDefault
		if SamePoll(d, plain) != c.plain || (d.Level() == FirstLevel) != c.plain {
			t.Errorf("%s: the same as without: %t, level %d", name, SamePoll(d, plain), d.Level())
		}
		if back := NewCursor(d.AppendCanonical(nil)).Definition(); !reflect.DeepEqual(back, d) {
			t.Errorf("%s: written and read it is %+v", name, back)
		}
		faults := d.Acceptable()
		if (len(faults) == 1) != (c.fault != "") || len(faults) == 1 && (faults[0].Field != c.faultField || !strings.Contains(faults[0].Detail, c.fault)) {
			t.Errorf("%s: faults %v", name, faults)
		}
	}
}
