package optionid

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"voted/internal/poll"
)

// The right column stands in logs and backups: it never changes.
func TestAnIDIsMadeOfATitleTheSameForEver(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		"Thai food":                "thai-food",
		"  Pizza   Hawaii!  ":      "pizza-hawaii",
		"Zoë":                      "zoe",
		"Zoe\u0308":                "zoe",
		"Łódź & Gdańsk":            "lodz-gdansk",
		"Straße":                   "strasse",
		"Smørrebrød":               "smorrebrod",
		"Joe's":                    "joes",
		"Joe’s":                    "joes",
		"Yes / No":                 "yes-no",
		"Pizza–Hawaii":             "pizza-hawaii",
		"ﬁne ² Ⅳ":                  "fine-2-iv",
		"１２ ＡＢ":                    "12-ab",
		"東京 Tokyo":                 "tokyo",
		"タイ料理":                     "option-3",
		"—":                        "option-3",
		"…?!":                      "option-3",
		".":                        "option-3",
		"a.b_c~d e":                "a-b-c-d-e",
		strings.Repeat("é", 70):    strings.Repeat("e", 64),
		strings.Repeat("ab ", 40):  strings.Repeat("ab-", 21) + "a",
		strings.Repeat("abc ", 40): strings.TrimSuffix(strings.Repeat("abc-", 16), "-"),
	} {
		if got := (Set{}).Make(title, 3); got != want {
			t.Errorf("%q became %q, want %q", title, got, want)
		}
	}
}

func TestIDsThatCollideAreMadeDifferentInTheOrderOfTheDefinition(t *testing.T) {
	t.Parallel()
	s := Set{"thai-food-2": true, "option-2": true}
	for _, c := range []struct {
		title string
		want  string
	}{
		{"Thai food", "thai-food"},
		{"Thai Food!", "thai-food-3"}, // the definition has thai-food-2 itself
		{"thai food", "thai-food-4"},
		{"?", "option-2-2"},
		{strings.Repeat("x ", 40), strings.TrimSuffix(strings.Repeat("x-", 32), "-")},
		{strings.Repeat("x ", 50), strings.Repeat("x-", 31) + "2"},
	} {
		if got := s.Make(c.title, 2); got != c.want {
			t.Errorf("%q became %q, want %q", c.title, got, c.want)
		}
	}
}

func FuzzAMadeIDIsAlwaysAnIDAndNeverATakenOne(f *testing.F) {
	f.Add("Thai food", "Zoë", 2)
	f.Add("", "option-1", 1)
	f.Add("\x00\xba\xf0a\u0306", "", 1)
	f.Add(strings.Repeat("é ", 99), strings.Repeat("e-", 32), 1024)
	f.Fuzz(func(t *testing.T, title, taken string, number int) {
		number = max(1, min(number, poll.MaxOptions))
		s := Set{taken: true}
		one := s.Make(title, number)
		two := s.Make(title, number)
		for _, id := range []string{one, two} {
			if !poll.ValidID(id) || id == taken {
				t.Fatalf("%q, where %q is taken, became %q", title, taken, id)
			}
		}
		if one == two {
			t.Fatalf("%q became %q twice", title, one)
		}
		if !utf8.ValidString(title) {
			return // titles are text; what comes of other bytes need only be an id
		}
		if again := (Set{taken: true}).Make(norm.NFC.String(title), number); again != one {
			t.Fatalf("%q became %q, and composed %q", title, one, again)
		}
	})
}
