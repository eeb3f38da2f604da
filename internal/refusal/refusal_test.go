package refusal

import (
	"errors"
	"testing"
)

func TestEveryCodeAndEveryReasonHasANameOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range Codes() {
		if c.String() == "" || seen[c.String()] {
			t.Errorf("code %d is called %q", c, c)
		}
		seen[c.String()] = true
	}
	for _, r := range Reasons() {
		if r.String() == "" || seen[r.String()] || r.Code() == None {
			t.Errorf("reason %d is called %q and belongs to the code %q", r, r, r.Code())
		}
		seen[r.String()] = true
	}
}

func TestAReasonOfALaterVersionIsNamedByItsNumber(t *testing.T) {
	t.Parallel()
	later := reasonCount + 3
	if later.Code() != None || later.String() == "" || later.String() == Usual.String() {
		t.Errorf("it is %q with the code %q", later, later.Code())
	}
}

func TestALogNamesCodeReasonValuesAndCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("the disk is gone")
	e := For(PollInUse)
	e.Subject, e.Cause = "board", cause
	e.Fields = []FieldError{{"id", "Choose another."}}
	if got, want := e.Error(), "poll_exists (poll_in_use) board; id: Choose another.: the disk is gone"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
	if !errors.Is(e, cause) {
		t.Error("its cause is lost")
	}
}
