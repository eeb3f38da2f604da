package hostile

import "testing"

func TestOnlySomeStatusesAreAFaultOfTheNode(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{
		200: false, 304: false, 400: false, 431: false, 499: false, 501: false, 503: false, 505: false, 507: false, 500: true, 502: true, 504: true, 599: true,
	} {
		if broke(status) != want {
			t.Errorf("status %d is a fault of the node: %t, want %t", status, !want, want)
		}
	}
}
