package organiser_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"voted/client"
)

// simple is the form of a new poll as most people fill it in.
func simple(title string, more ...string) url.Values {
	form := url.Values{
		"title": {title}, "options": {"Thai food\r\nPizza\r\n\r\n"}, "method": {"approval"},
		"eligibility": {"anyone"}, "secrecy": {"secret"}, "results": {"after_close"}, "revote": {"never"},
	}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

func TestANewPollIsCheckedAndThenCreatedOnceHoweverOftenItIsSent(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	d := n.desk(t, "admin")
	d.get("/manage/new").says(t, http.StatusOK, "Nothing is created yet.", `name="rule.stv.rule_set"`)
	check := d.post("/manage/new/check", simple("Where do we eat?"))
	check.says(t, http.StatusOK, "These can never be changed", "Thai food", "Approval", "Nobody sees counts or turnout before")
	form := check.hidden()
	first := d.post("/manage/new/create", form)
	first.says(t, http.StatusSeeOther)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if again := d.post("/manage/new/create", form); again.to != first.to {
				t.Errorf("sent again it led to %q, and first to %q", again.to, first.to)
			}
		})
	}
	wg.Wait()
	d.get(first.to).says(t, http.StatusOK, "Where do we eat?", "thai-food", "hidden until the close")
	// Another poll from the same form is asked about first.
	changed := d.post("/manage/new/create", d.post("/manage/new/check", simple("Where do we drink?", "key", form.Get("key"))).hidden())
	changed.says(t, http.StatusUnprocessableEntity, "A vote was created from this form already", "Where do we drink?")
	if changed.hidden().Get("key") == form.Get("key") {
		t.Error("the form cannot make another poll")
	}
	if other := d.post("/manage/new/create", d.post("/manage/new/check", simple("Where do we eat?")).hidden()); other.to == first.to {
		t.Error("a form that was filled in a second time made no poll of its own")
	}
}

func TestAPollUnderAChosenIdIsThatPollWhenItIsSentAgain(t *testing.T) {
	t.Parallel()
	d := theNode(t).desk(t, "admin")
	form := d.post("/manage/new/check", simple("Lunch", "id", "chosen-lunch")).hidden()
	for range 2 {
		if made := d.post("/manage/new/create", form); made.to != "/manage/chosen-lunch" {
			t.Fatalf("it led to %q: %s", made.to, made.text)
		}
	}
	form.Set("title", "Another lunch")
	d.post("/manage/new/create", form).says(t, http.StatusConflict, "Another vote has this id", `href="#id"`, "Another lunch")
}

func TestWhatIsWrongWithANewPollStandsAtItsField(t *testing.T) {
	t.Parallel()
	d := theNode(t).desk(t, "admin")
	for name, c := range map[string]struct {
		field, value string
		says         []string
	}{
		"without a title":            {"title", " ", []string{`href="#title"`, "Give the vote a title."}},
		"with one option":            {"options", "Pizza", []string{`href="#options"`, "at least two options"}},
		"with a time that is none":   {"closes_at", "tomorrow", []string{`href="#closes_at"`, "Type a date and a time"}},
		"with a number that is none": {"quorum", "half", []string{`href="#quorum"`, "Type a whole number", "<details class=\"part\" open>"}},
	} {
		p := d.post("/manage/new/check", simple("Lunch", c.field, c.value))
		p.says(t, http.StatusUnprocessableEntity, append(c.says, "<title>Error:")...)
		if !strings.Contains(p.text, `aria-describedby="`) || !strings.Contains(p.text, c.field+`-fault`) {
			t.Errorf("%s: the field is not marked", name)
		}
	}
	for name, c := range map[string]struct {
		more []string
		says []string
	}{
		"two options alike":                       {[]string{"options", "Pizza\nPizza"}, []string{`href="#options"`}},
		"it closes before it opens":               {[]string{"opens_at", "2030-01-02T10:00", "closes_at", "2030-01-01T10:00"}, []string{`href="#closes_at"`}},
		"a seat too many":                         {[]string{"method", "irv", "seats", "2"}, []string{`href="#seats"`}},
		"a quorum above the limit":                {[]string{"quorum", "5", "max_ballots", "3"}, []string{`href="#quorum"`}},
		"a rule with an option that there is not": {[]string{"method", "irv", "rule.irv.write_in", "nobody"}, []string{`href="#rule.irv.write_in"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form := d.post("/manage/new/check", simple("Lunch", c.more...)).hidden()
			d.post("/manage/new/create", form).says(t, http.StatusUnprocessableEntity, c.says...)
		})
	}
}

func TestEveryMethodAndRuleCanBeChosen(t *testing.T) {
	t.Parallel()
	d := theNode(t).desk(t, "admin")
	for name, c := range map[string][]string{
		"instant runoff": {"method", "irv", "rule.irv.until", "two", "rule.irv.max_skipped", "1", "options", "ann | Ann\nbo | Bo\nwrite | Others", "rule.irv.write_in", "write", "rule.irv.withdrawn", "bo"},
		"STV":            {"method", "stv", "seats", "2", "options", "Ann\nBo\nCy", "rule.stv.rule_set", "exact", "rule.stv.quota", "hare"},
		"score":          {"method", "score", "max_score", "20", "rule.score.by", "mean", "rule.score.min_scores", "2"},
		"a lot":          {"method", "plurality", "tie_break", "lot", "options", "ann\nbo", "rule.lot", "bo\nann"},
		"blank ballots":  {"min_selections", "0", "max_selections", "2", "ballots", "as_marked"},
		"all about it":   {"description", "Read this <b>first</b>.\n\nThen choose.", "contact", "Ann, 12 34 56", "audience", "anyone", "option_order", "shuffled"},
		"a list":         {"eligibility", "roll", "quorum", "2", "secrecy", "open", "results", "live", "revote", "until_close"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := d.post("/manage/new/check", simple(name, c...))
			check.says(t, http.StatusOK)
			made := d.post("/manage/new/create", check.hidden())
			made.says(t, http.StatusSeeOther)
			d.get(made.to).says(t, http.StatusOK, "How it works")
		})
	}
}

func TestAReviewWarnsOfChoicesThatBetrayVoters(t *testing.T) {
	t.Parallel()
	d := theNode(t).desk(t, "admin")
	d.post("/manage/new/check", simple("Board", "results", "live", "revote", "until_close", "receipt", "opened", "disclosure", "ballots")).
		says(t, http.StatusOK, "Secret and live together", "watch and switch", "Proofs show the choice", "Each ballot is shown")
	if calm := d.post("/manage/new/check", simple("Board", "eligibility", "roll")); strings.Contains(calm.text, `class="notice">`) && strings.Contains(calm.text, "together") {
		t.Error("it warns of what is all right")
	}
}

func TestTitleAndTimesAreChangedOnceAndNeverFromAnOutdatedForm(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	d, other := n.desk(t, "admin"), n.desk(t, "admin")
	at := "/manage/" + n.poll(t, client.Definition{Title: "Old"}) + "/change"
	mine, theirs := d.get(at), other.get(at)
	form := mine.hidden("title", "Mine", "closes_at", "2031-02-03T04:05")
	for range 2 {
		d.post(at, form).says(t, http.StatusSeeOther)
	}
	d.get(strings.TrimSuffix(at, "/change")).says(t, http.StatusOK, "Mine", "3 February 2031, 04:05 UTC")
	late := other.post(at, theirs.hidden("title", "Theirs"))
	late.says(t, http.StatusPreconditionFailed, "Somebody changed it meanwhile", "Mine", `value="Theirs"`)
	other.post(at, late.hidden("title", "Theirs")).says(t, http.StatusSeeOther)
	d.get(at).says(t, http.StatusOK, `value="Theirs"`)
	d.post(at, d.get(at).hidden("title", "X", "closes_at", "soon")).says(t, http.StatusUnprocessableEntity, `href="#closes_at"`)
	d.post(at, d.get(at).hidden("title", "X", "opens_at", "2031-02-03T04:05", "closes_at", "2030-02-03T04:05")).
		says(t, http.StatusUnprocessableEntity, `class="problems"`)
}

func TestAPollIsClosedAsItWasShownAndThenDeletedByItsId(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	d := n.desk(t, "admin")
	id := n.poll(t, client.Definition{Title: "Lunch"})
	n.cast(t, id, "v-1", "ann")
	at := "/manage/" + id
	d.get(at+"/delete").says(t, http.StatusOK, "Only a vote that has closed can be deleted")
	shown := d.get(at + "/close")
	shown.says(t, http.StatusOK, "1 ballot is in the box", "cannot be opened again")
	d.post(at+"/change", d.get(at+"/change").hidden("title", "Dinner")).says(t, http.StatusSeeOther)
	again := d.post(at+"/close", shown.hidden())
	again.says(t, http.StatusPreconditionFailed, "It was not closed", "Dinner")
	for range 2 {
		d.post(at+"/close", again.hidden()).says(t, http.StatusSeeOther)
	}
	d.get(at).says(t, http.StatusOK, "Closed", at+"/delete")
	gone := d.get(at + "/delete")
	d.post(at+"/delete", gone.hidden("id", "lunch")).says(t, http.StatusUnprocessableEntity, "Nothing was deleted")
	d.post(at+"/delete", gone.hidden("id", "")).says(t, http.StatusUnprocessableEntity, "Nothing was deleted")
	d.get(at).says(t, http.StatusOK)
	for range 2 {
		d.post(at+"/delete", gone.hidden("id", id)).says(t, http.StatusSeeOther)
	}
	d.get(at).says(t, http.StatusNotFound)
	d.get("/manage?gone="+id).says(t, http.StatusOK, "is deleted")
}

func TestALotIsDrawnOnce(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	d := n.desk(t, "admin")
	id := n.poll(t, client.Definition{TieBreak: "lot"})
	at := "/manage/" + id
	d.get(at+"/lot").says(t, http.StatusOK, "no lot to be drawn")
	d.post(at+"/close", d.get(at+"/close").hidden()).says(t, http.StatusSeeOther)
	d.get(at).says(t, http.StatusOK, "Draw the lot")
	d.post(at+"/lot", url.Values{}).says(t, http.StatusUnprocessableEntity, "Type a seed")
	d.post(at+"/lot", url.Values{"seed": {"4"}, "order": {"ann bo cy"}}).says(t, http.StatusUnprocessableEntity, "not both")
	d.post(at+"/lot", url.Values{"order": {"ann bo"}}).says(t, http.StatusUnprocessableEntity, `href="#order"`)
	for range 2 {
		d.post(at+"/lot", url.Values{"seed": {"dice 4 1 6"}}).says(t, http.StatusSeeOther)
	}
	d.get(at+"/lot").says(t, http.StatusOK, "The lot is drawn.", "dice 4 1 6")
	d.post(at+"/lot", url.Values{"seed": {"dice 1 1 1"}}).says(t, http.StatusConflict, "Another lot was drawn")
}

func TestNobodyButAnAdminChangesAnything(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	id := n.poll(t, client.Definition{Title: "Board", Eligibility: client.OnRoll, TieBreak: "lot"})
	at := "/manage/" + id
	admin := n.desk(t, "admin")
	check := admin.post("/manage/new/check", simple("Board")).hidden()
	forms := map[string]url.Values{
		"/manage/new/create": check,
		at + "/change":       admin.get(at+"/change").hidden("title", "Taken over"),
		at + "/close":        admin.get(at + "/close").hidden(),
		at + "/delete":       {"id": {id}, "revision": {"1"}},
		at + "/lot":          {"seed": {"1"}},
		at + "/roll/drop":    {"voter": {"v-1"}, "since": {"0"}},
	}
	for _, role := range []string{"", "gateway", "reader", "auditor", "metrics"} {
		d := n.desk(t, role)
		want := http.StatusForbidden
		if role == "" {
			want = http.StatusUnauthorized
		}
		for path, form := range forms {
			if p := d.post(path, form); p.status != want {
				t.Errorf("%q sends %s: %d, want %d", role, path, p.status, want)
			}
		}
		if p := d.upload(at+"/roll", "", "voter\nv-9\n"); p.status != want {
			t.Errorf("%q uploads a roll: %d, want %d", role, p.status, want)
		}
		for _, path := range []string{"/manage", "/manage/new", at, at + "/change", at + "/close", at + "/delete", at + "/lot", at + "/roll", at + "/links"} {
			p := d.get(path)
			if role == "" && (p.status != http.StatusSeeOther || !strings.HasPrefix(p.to, "/signin?next=")) || role != "" && p.status != want {
				t.Errorf("%q opens %s: %d to %q", role, path, p.status, p.to)
			}
		}
	}
	admin.get(at).says(t, http.StatusOK, "Board", "0 of 0 voters have voted")
}

func TestTheListIsNarrowedAndTurned(t *testing.T) {
	t.Parallel()
	n := theNode(t)
	d := n.desk(t, "reader")
	id := n.poll(t, client.Definition{Title: "Later <b>", OpensAt: time.Now().Add(time.Hour)})
	d.get("/polls?state=scheduled").says(t, http.StatusOK, "Later &lt;b&gt;", `aria-current="page"`)
	d.get("/polls?id=no-such-poll").says(t, http.StatusOK, "There is no vote with the id")
	if p := d.get("/polls?id=" + id); p.to != "/polls/"+id {
		t.Errorf("the id leads to %q (%d)", p.to, p.status)
	}
	d.get("/polls?page_token=nonsense").says(t, http.StatusBadRequest)
	admin := n.desk(t, "admin")
	if p := admin.get("/manage?id=" + id); p.to != "/manage/"+id {
		t.Errorf("the id leads an organiser to %q", p.to)
	}
	admin.get("/manage").says(t, http.StatusOK, "/manage/new")
}

func TestAPollThatIsCalledNewCanBeManaged(t *testing.T) {
	t.Parallel()
	d := theNode(t).desk(t, "admin")
	made := d.post("/manage/new/create", d.post("/manage/new/check", simple("A new one", "id", "new")).hidden())
	made.says(t, http.StatusSeeOther)
	d.get(made.to).says(t, http.StatusOK, "A new one", "/manage/new/close")
}
