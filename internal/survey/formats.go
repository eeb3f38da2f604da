package survey

import (
	"fmt"
	"strings"
)

// CommonLevel is the highest format level that every member reads; 0 if one does not
// answer.
func (l Look) CommonLevel() (common uint32) {
	for i := range l {
		if level := l[i].FormatLevel(); i == 0 || level < common {
			common = level
		}
	}
	return common
}

// newestLevel is the highest format level that any member reads.
func (l Look) newestLevel() (newest uint32) {
	for i := range l {
		newest = max(newest, l[i].FormatLevel())
	}
	return newest
}

// Behind names the members that do not read a format level, "" if all do.
func (l Look) Behind(level uint32) string {
	var who []string
	for i := range l {
		m := &l[i]
		switch reads := m.FormatLevel(); {
		case reads == 0:
			who = append(who, fmt.Sprintf("%s does not answer (start it, or remove it if it will not return)", m.ID))
		case reads < level:
			who = append(who, fmt.Sprintf("%s reads formats up to level %d and has to be upgraded", m.ID, reads))
		}
	}
	return strings.Join(who, "; ")
}
