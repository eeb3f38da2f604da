package webhook

import "time"

// Report is what a deliverer says of itself.
type Report struct {
	Fingerprint string        // of its key file
	Oldest      time.Duration // age of the oldest event that an endpoint is still to get, while it delivers
	Withheld    string        // why it does not deliver though this member leads; "": it does, or does not lead
}

// Report returns how the deliverer fares.
func (d *Deliverer) Report() Report {
	d.mu.Lock()
	why := d.why
	d.mu.Unlock()
	return Report{Fingerprint: d.opts.Keys.Fingerprint(), Oldest: d.waiting().oldest, Withheld: why}
}
