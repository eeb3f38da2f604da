package organiser_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestANewPollMayHaveAllTheOptionsThatThereMayBe(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	d := n.desk(t, "admin")
	options := make([]string, 1024)
	for i := range options {
		options[i] = fmt.Sprint("Entwurf für die Straße ", strings.Repeat("ä", 100), i)
	}
	form := simple("Many", "options", strings.Join(options, "\n"))
	if size := len(form.Encode()); size < 512<<10 {
		t.Fatalf("the form has only %d bytes", size)
	}
	check := d.post("/manage/new/check", form)
	if check.status != http.StatusOK {
		t.Fatalf("%d %.500s", check.status, check.shown())
	}
	if made := d.post("/manage/new/create", check.hidden()); made.status != http.StatusSeeOther {
		t.Errorf("%d %.500s", made.status, made.shown())
	}
	// The controls: another form has its limit, and so has this one.
	form.Set("title", strings.Repeat("x", 5<<20))
	d.post("/manage/new/check", form).says(t, http.StatusRequestEntityTooLarge)
	d.post("/signin", form).says(t, http.StatusRequestEntityTooLarge)
}
