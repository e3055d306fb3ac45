/* base/notify.h - tells systemd how the daemon is (sd_notify(3)); does nothing where nobody
 * listens. */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

struct loop;

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
/* One line for `systemctl status`. */
void notify_status(const char *text);
/* Feeds the watchdog from the loop at half its time, so that a loop that hangs is seen. */
void notify_watchdog(struct loop *l);
void notify_watchdog_stop(void);

#endif
