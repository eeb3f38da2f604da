package organiser_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"voted/client"
)

var shownField = regexp.MustCompile(`<input id="([^"]+)" name="[^"]+" type="[^"]+"(?: dir="auto")? value="([^"]*)"`)

// fields are all fields of a page's form as the page shows them, with other values for some.
func (p page) fields(other ...string) url.Values {
	form := p.hidden()
	for _, m := range shownField.FindAllStringSubmatch(p.text, -1) {
		form.Set(m[1], unescape(m[2]))
	}
	for i := 0; i < len(other); i += 2 {
		form.Set(other[i], other[i+1])
	}
	return form
}

func TestATimeThatIsNotTouchedStaysAsItIsToTheSecond(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	d := n.desk(t, "admin")
	// Given a poll that has opened and has a ballot, with times that no field shows to the second,
	opens := time.Now().UTC().Truncate(time.Hour).Add(-time.Hour + 30*time.Second)
	closes := time.Date(2031, 2, 3, 23, 59, 59, 0, time.UTC)
	id := n.poll(t, client.Definition{Title: "Old", OpensAt: opens, ClosesAt: closes})
	n.cast(t, id, "v-1", "ann")
	at := "/manage/" + id + "/change"
	is := func(title string, closes time.Time) {
		t.Helper()
		p, err := n.client.Poll(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if p.Title != title || !p.OpensAt.Equal(opens) || !p.ClosesAt.Equal(closes) {
			t.Errorf("it is %q from %v to %v, want %q from %v to %v", p.Title, p.OpensAt, p.ClosesAt, title, opens, closes)
		}
	}
	// when its title is changed, also after a mistake, then its times are as they were.
	wrong := d.post(at, d.get(at).fields("title", " "))
	wrong.says(t, http.StatusUnprocessableEntity, `href="#title"`)
	d.post(at, wrong.fields("title", "New")).says(t, http.StatusSeeOther)
	is("New", closes)
	// A time that somebody else has changed meanwhile stays, too,
	mine, later := d.get(at).fields("title", "Mine"), time.Date(2032, 2, 3, 4, 5, 6, 0, time.UTC)
	d.post(at, d.get(at).fields("closes_at", later.Format("2006-01-02T15:04:05"))).says(t, http.StatusSeeOther)
	late := d.post(at, mine)
	late.says(t, http.StatusPreconditionFailed, `value="Mine"`)
	d.post(at, late.fields()).says(t, http.StatusSeeOther)
	is("Mine", later)
	// and the control: a time that is typed is taken, and an empty field takes it away.
	d.post(at, d.get(at).fields("closes_at", "2033-01-02T03:04")).says(t, http.StatusSeeOther)
	is("Mine", time.Date(2033, 1, 2, 3, 4, 0, 0, time.UTC))
	d.post(at, d.get(at).fields("closes_at", "")).says(t, http.StatusSeeOther)
	is("Mine", time.Time{})
}
