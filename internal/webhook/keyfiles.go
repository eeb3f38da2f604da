package webhook

// KeyFile is what a member says of its key file.
type KeyFile struct {
	Member      string
	Fingerprint string // "": it has none
}

// KeyTrouble says why what this member's key file signs, receivers may refuse; "" if there is no
// reason, as before Start.
func (d *Deliverer) KeyTrouble() string {
	d.mu.Lock()
	begun := d.cluster != nil
	d.mu.Unlock()
	if !begun {
		return ""
	}
	return d.keyTrouble()
}

// keyTrouble says why this member must not deliver, though it leads; "" if it may. Receivers
// know the signatures of one key file, so the one that more members have is the right one. A
// member that has none says nothing about it.
func (d *Deliverer) keyTrouble() string {
	own := d.opts.Keys.Fingerprint()
	same, others := 1, map[string]int{}
	for _, k := range d.cluster.KeyFiles() {
		switch k.Fingerprint {
		case "":
		case own:
			same++
		default:
			others[k.Fingerprint]++
		}
	}
	for _, n := range others {
		if n >= same {
			return "As many members have another key file as have this one's (--webhook-key), and one only can be right. Give all members the same file."
		}
	}
	return ""
}
