package poll

import (
	"reflect"
	"strings"
	"testing"
)

func presentable() Definition {
	return Definition{ID: "p", Options: []Option{{ID: "ann"}, {ID: "bo"}}, MinSelections: 1}.WithDefaults()
}

func TestWhatADefinitionSaysToPeople(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(d *Definition)
		field  string // that is at fault, "" if none
		fault  string
		within string // what judges it: "core" for Validate, "node" for Acceptable alone
	}{
		"nothing":                          {func(*Definition) {}, "", "", ""},
		"an audience":                      {func(d *Definition) { d.Audience = AudienceAnyone }, "", "", ""},
		"an audience that is none":         {func(d *Definition) { d.Audience = 2 }, "audience", "Use roles or anyone.", "core"},
		"an order":                         {func(d *Definition) { d.Order = OrderShuffled }, "", "", ""},
		"an order that is none":            {func(d *Definition) { d.Order = 2 }, "option_order", "Use listed or shuffled.", "core"},
		"lines":                            {func(d *Definition) { d.Description = "Two\n\tlines, Zoë's <b>" }, "", "", ""},
		"a description of the most bytes":  {func(d *Definition) { d.Description = strings.Repeat("x", MaxDescriptionBytes) }, "", "", ""},
		"a description that is too long":   {func(d *Definition) { d.Description = strings.Repeat("x", MaxDescriptionBytes+1) }, "description", "at most 4096", "core"},
		"a carriage return":                {func(d *Definition) { d.Description = "a\r\nb" }, "description", "U+000D at byte 2. Lines end", "core"},
		"a later control character":        {func(d *Definition) { d.Options[1].Description = "ab\u0085" }, "options[1].description", "U+0085 at byte 3", "core"},
		"text that is no UTF-8":            {func(d *Definition) { d.Options[0].Description = "\xff" }, "options[0].description", "UTF-8", "core"},
		"text whose direction is reversed": {func(d *Definition) { d.Description = "ok \u202e" }, "description", "U+202E at byte 4", "node"},
		"a contact":                        {func(d *Definition) { d.Contact = "board@example.org" }, "", "", ""},
		"a contact of two lines":           {func(d *Definition) { d.Contact = "a\nb" }, "contact", "It is one line", "core"},
		"an unseen character in a contact": {func(d *Definition) { d.Contact = "a\u200bb" }, "contact", "U+200B at byte 2", "node"},
	} {
		d := presentable()
		c.change(&d)
		inCore, onNode := d.Validate(), d.Acceptable()
		if (len(inCore) > 0) != (c.within == "core") || (len(onNode) > 0) != (c.within != "") {
			t.Errorf("%s: the core says %v, the node %v", name, inCore, onNode)
			continue
		}
		if c.field != "" && (onNode[0].Field != c.field || !strings.Contains(onNode[0].Detail, c.fault)) {
			t.Errorf("%s: got %v, want %s: …%s…", name, onNode[0], c.field, c.fault)
		}
	}
}

func TestDescriptionsOfAllOptionsHaveALimitTogether(t *testing.T) {
	t.Parallel()
	d := presentable()
	d.Options = nil
	for i := range MaxDescriptionsBytes/MaxDescriptionBytes + 1 {
		d.Options = append(d.Options, Option{ID: "o" + string(rune('a'+i/10)) + string(rune('0'+i%10)), Description: strings.Repeat("x", MaxDescriptionBytes)})
	}
	errs := d.Validate()
	if len(errs) != 1 || errs[0].Field != "options" || !strings.Contains(errs[0].Detail, "266240 bytes together") {
		t.Errorf("got %v", errs)
	}
	d.Options = d.Options[1:]
	if errs := d.Validate(); errs != nil {
		t.Errorf("with exactly as much as there is room for: %v", errs)
	}
}

// What people read is part of what defines a poll, and needs its level; without it the bytes
// stay what they were.
func TestWhatPeopleReadIsPartOfTheDefinition(t *testing.T) {
	t.Parallel()
	plain := presentable()
	if plain.Level() != FirstLevel {
		t.Errorf("without any of it the level is %d", plain.Level())
	}
	seen := map[string]string{string(plain.AppendCanonical(nil)): "nothing"}
	for name, change := range map[string]func(d *Definition){
		"audience":               func(d *Definition) { d.Audience = AudienceAnyone },
		"order":                  func(d *Definition) { d.Order = OrderShuffled },
		"description":            func(d *Definition) { d.Description = "x" },
		"contact":                func(d *Definition) { d.Contact = "x" },
		"option's":               func(d *Definition) { d.Options[0].Description = "x" },
		"other option's":         func(d *Definition) { d.Options[1].Description = "x" },
		"description, counted":   func(d *Definition) { d.Description, d.Counting.Ties = "x", 1 },
		"description, disclosed": func(d *Definition) { d.Description, d.Disclosure = "x", DiscloseBallots },
	} {
		d := presentable()
		change(&d)
		text := d.AppendCanonical(nil)
		if other, there := seen[string(text)]; there {
			t.Errorf("%s and %s have the same encoding", name, other)
		}
		seen[string(text)] = name
		if d.Level() != PresentationLevel || SamePoll(d, plain) {
			t.Errorf("%s: level %d", name, d.Level())
		}
		c := NewCursor(text)
		if back := c.Definition(); c.Err() != nil || c.Len() != 0 || !reflect.DeepEqual(back, d) {
			t.Errorf("%s: read again as %+v, %v", name, back, c.Err())
		}
	}
}
