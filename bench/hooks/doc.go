// Package hooks measures webhooks whose receivers mostly hang: how soon the few that are well get
// their events all the same, and what that costs the member that delivers.
package hooks
