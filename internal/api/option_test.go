package api

import (
	"strings"
	"testing"
)

func TestAPlainStringThatIsNoIDGetsAnIDMadeOfIt(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	const body = `{"options":["Thai food","Zoë","…","thai food!","Ja",{"id":"thai-food-2","title":"Also"}]}`
	const shown = `"options":[{"id":"thai-food","title":"Thai food"},{"id":"zoe","title":"Zoë"},{"id":"option-3","title":"…"},` +
		`{"id":"thai-food-3","title":"thai food!"},{"id":"Ja","title":"Ja"},{"id":"thai-food-2","title":"Also"}]`
	g.do("PUT", "/v1/polls/p", body).want(201).holds(shown)
	g.do("PUT", "/v1/polls/p", body).want(200).holds(shown)
	g.do("PUT", "/v1/polls/p", `{`+shown+`}`).want(200)
	g.do("PUT", "/v1/polls/p/ballots/v", `{"selections":["zoe"]}`).want(201)

	first := g.do("POST", "/v1/polls", body, "Idempotency-Key", "k").want(201).holds(shown)
	again := g.do("POST", "/v1/polls", body, "Idempotency-Key", "k").want(201).has("Idempotent-Replayed", "true")
	if first.json()["id"] != again.json()["id"] {
		t.Errorf("a retry made another poll: %s%s", first.body, again.body)
	}
}

func TestTitlesThatCannotBeToldApartAreRefused(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	for name, c := range map[string]struct{ options, field, says string }{
		"the same title twice":              {`["Thai food","Thai food"]`, "options[1]", "named twice"},
		"the same title, decomposed":        {`["Zoë","Zoe\u0308"]`, "options[1]", "named twice"},
		"no title":                          {`["ann",""]`, "options[1]", "needs a title"},
		"blanks alone":                      {`["ann"," \u00a0"]`, "options[1]", "needs a title"},
		"a title that turns the line round": {`["ann",{"id":"bo","title":"a\u202eevil"}]`, "options[1].title", "U+202E at byte 2"},
		"a title of nothing to be seen":     {`["ann","\u200b"]`, "options[1].title", "U+200B at byte 1"},
		"a title over two lines":            {`["ann","a\u2028b"]`, "options[1].title", "U+2028 at byte 2"},
		"a title too long":                  {`["ann","` + strings.Repeat("a ", 513) + `"]`, "options[1].title", "at most 1024 bytes"},
	} {
		a := g.do("PUT", "/v1/polls/p", `{"options":`+c.options+`}`)
		if a.status != 422 || !strings.Contains(a.body, `"field":"`+c.field+`"`) || !strings.Contains(a.body, c.says) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	g.poll("q", twoOptions)
	g.do("PATCH", "/v1/polls/q", `{"title":"a\u200db"}`).want(422).code("invalid_poll").holds(`"field":"title"`).holds("U+200D at byte 2")
	g.do("PUT", "/v1/polls/p", `{"title":"\u2067x","options":["ann","bo"]}`).want(422).holds(`"field":"title"`)
}
