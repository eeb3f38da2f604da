package clock

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // zones on any machine
)

func in(t *testing.T, zone, now string) Clock {
	t.Helper()
	z, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, now)
	if err != nil {
		t.Fatal(err)
	}
	return Clock{Now: at, Zone: z}
}

func TestTimesAreReadAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, now, typed, want string }{
		{"Europe/Berlin", "2026-11-28T03:00:00Z", "2026-12-02 20:00", "2026-12-02T19:00:00Z"},
		{"Europe/Berlin", "2026-11-28T03:00:00Z", "2026-12-02T20:00", "2026-12-02T19:00:00Z"},
		{"Europe/Berlin", "2026-11-28T03:00:00Z", "2026-12-02 20:00:30", "2026-12-02T19:00:30Z"},
		{"Europe/Berlin", "2026-11-28T03:00:00Z", "2026-07-02 20:00", "2026-07-02T18:00:00Z"},
		{"Europe/Berlin", "2026-11-28T03:00:00Z", "2026-12-02T20:00:00Z", "2026-12-02T20:00:00Z"},
		{"Europe/Berlin", "2026-11-28T03:00:00Z", "2026-12-02T20:00:00.25-05:00", "2026-12-03T01:00:00.25Z"},
		{"UTC", "2026-11-28T03:00:00Z", " 2026-12-02 20:00 ", "2026-12-02T20:00:00Z"},
		{"Europe/Berlin", "2026-11-28T03:00:00Z", "20:00", "2026-11-28T19:00:00Z"},
		{"Europe/Berlin", "2026-11-28T20:00:00Z", "20:00", "2026-11-29T19:00:00Z"},
		{"Europe/Berlin", "2026-11-28T19:00:00Z", "20:00", "2026-11-29T19:00:00Z"},    // it is now
		{"Pacific/Auckland", "2026-11-28T11:30:00Z", "00:15", "2026-11-29T11:15:00Z"}, // half past midnight there already
		{"Europe/Berlin", "2026-10-24T19:00:00Z", "20:00", "2026-10-25T19:00:00Z"},    // a day of 25 hours
		{"Europe/Berlin", "2026-11-28T03:00:00.7Z", "+2h", "2026-11-28T05:00:00Z"},
		{"Europe/Berlin", "2026-11-28T03:00:00Z", "+1h30m", "2026-11-28T04:30:00Z"},
	} {
		got, err := in(t, c.zone, c.now).Parse(c.typed)
		want, _ := time.Parse(time.RFC3339, c.want)
		if err != nil || !got.Equal(want) {
			t.Errorf("%s at %s in %s: %v, %v, want %v", c.typed, c.now, c.zone, got.UTC(), err, want)
		}
	}
}

func TestATimeThatClocksShowNeverOrTwiceIsRefusedInASentence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, typed, says string }{
		{"Europe/Berlin", "2026-03-29 02:30", "there is no 2026-03-29 02:30 in the zone Europe/Berlin, where clocks are set forward over it; type 2026-03-29 03:30, or"},
		{"Europe/Berlin", "2026-10-25 02:30", "show 2026-10-25 02:30 twice; type 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00"},
		{"Australia/Lord_Howe", "2026-10-04 02:15", "there is no 2026-10-04 02:15"},
		{"Australia/Lord_Howe", "2026-04-05 01:45", "type 2026-04-05T01:45:00+11:00 or 2026-04-05T01:45:00+10:30"},
		{"Pacific/Apia", "2011-12-30 12:00", "there is no 2011-12-30 12:00"}, // a day that was left out
	} {
		_, err := in(t, c.zone, "2026-01-01T00:00:00Z").Parse(c.typed)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.typed, err, c.says)
		}
	}
	// The hours beside them are there once.
	for typed, want := range map[string]string{
		"2026-03-29 01:59": "2026-03-29T00:59:00Z", "2026-03-29 03:00": "2026-03-29T01:00:00Z",
		"2026-10-25 01:59": "2026-10-24T23:59:00Z", "2026-10-25 03:00": "2026-10-25T02:00:00Z",
	} {
		if got, err := in(t, "Europe/Berlin", "2026-01-01T00:00:00Z").Parse(typed); err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s: %v, %v", typed, got, err)
		}
	}
}

func TestWhatIsNoTimeIsToldTheForms(t *testing.T) {
	t.Parallel()
	c := in(t, "Europe/Berlin", "2026-11-28T03:00:00Z")
	for _, typed := range []string{"", "soon", "2026-12-02", "25:00", "2026-13-02 20:00", "2026-02-30 10:00", "2h", "20:00Z", "2026-12-02  20:00", "+", "+2", "+-2h", "tomorrow", "2026-12-02T7:00:00Z"} {
		_, err := c.Parse(typed)
		if err == nil || strings.Contains(err.Error(), "2006") || !strings.Contains(err.Error(), "type ") {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

func TestAnOffsetThatNoClockHasIsRefusedByName(t *testing.T) {
	t.Parallel()
	c := in(t, "Europe/Berlin", "2026-11-28T03:00:00Z")
	for _, offset := range []string{"+24:00", "-24:00", "+00:60", "+23:60", "-24:60"} {
		_, err := c.Parse("2026-12-02T20:00:00" + offset)
		if err == nil || !strings.Contains(err.Error(), "offset") || !strings.Contains(err.Error(), "-23:59 to +23:59; type ") {
			t.Errorf("%s: %v", offset, err)
		}
	}
	for _, offset := range []string{"+23:59", "-23:59", "-00:00"} {
		if _, err := c.Parse("2026-12-02T20:00:00" + offset); err != nil {
			t.Error(err)
		}
	}
}

func TestTimesAreShownWithTheirOffsetAndHowFarTheyAre(t *testing.T) {
	t.Parallel()
	c := in(t, "Europe/Berlin", "2026-11-28T03:00:00Z")
	for at, want := range map[string]string{
		"2026-12-02T19:00:00Z": "2026-12-02 20:00 +01:00 (in 4 days)",
		"2026-07-02T18:00:05Z": "2026-07-02 20:00:05 +02:00 (148 days ago)",
		"2026-11-28T03:00:00Z": "2026-11-28 04:00 +01:00 (now)",
		"2026-11-28T03:00:01Z": "2026-11-28 04:00:01 +01:00 (in 1 second)",
		"2026-11-28T04:30:00Z": "2026-11-28 05:30 +01:00 (in 90 minutes)",
		"2026-11-28T00:00:00Z": "2026-11-28 01:00 +01:00 (3 hours ago)",
		"9999-12-31T22:59:59Z": "9999-12-31 23:59:59 +01:00 (in 7973 years)",
	} {
		parsed, _ := time.Parse(time.RFC3339, at)
		if got := c.Show(parsed); got != want {
			t.Errorf("%s is shown as %q, want %q", at, got, want)
		}
	}
	if got := c.Show(time.Time{}); got != "" {
		t.Errorf("no time is shown as %q", got)
	}
	c.Zone = time.UTC
	if got := c.Show(c.Now); got != "2026-11-28 03:00 +00:00 (now)" {
		t.Errorf("in UTC: %q", got)
	}
}

func FuzzATypedTimeIsTheOneThatIsShown(f *testing.F) {
	f.Add("2026-10-25 02:30", "Europe/Berlin", int64(1764298800))
	f.Add("20:00", "Pacific/Apia", int64(0))
	f.Add("2026-10-25 0:30", "Europe/Berlin", int64(1764298853))
	f.Fuzz(func(t *testing.T, typed, zone string, now int64) {
		z, err := time.LoadLocation(zone)
		if err != nil || now < 0 || now > 1<<33 {
			return
		}
		c := Clock{Now: time.Unix(now, 0), Zone: z}
		at, err := c.Parse(typed)
		if err != nil || strings.HasPrefix(typed, "+") || strings.Contains(typed, "Z") || len(typed) > 16 {
			return
		}
		shown := at.In(z).Format("2006-01-02 15:04")
		typed = strings.Replace(strings.TrimSpace(typed), "T", " ", 1)
		if date, hour := typed[:strings.LastIndexByte(typed, ' ')+1], typed[strings.LastIndexByte(typed, ' ')+1:]; len(hour) == len("9:30") {
			typed = date + "0" + hour
		}
		if !strings.HasSuffix(shown, typed) {
			t.Fatalf("%q in %s is shown as %s", typed, zone, shown)
		}
	})
}
