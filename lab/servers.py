"""Real mail servers for the lab: Postfix and sendmail (unpacked, never installed) and Exim, each with its own
configuration, queue and log below one folder. Every function writes the configuration and returns the command."""
import os
import shutil
import subprocess

POSTFIX_CF = """
compatibility_level = 3.6
config_directory = {d}/etc
queue_directory = {d}/spool
data_directory = {d}/lib
daemon_directory = {root}/usr/lib/postfix/sbin
command_directory = {root}/usr/sbin
shlib_directory = {root}/usr/lib/postfix
meta_directory = {d}/etc
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH
mail_owner = uucp
setgid_group = news
default_privs = nobody
maillog_file = {d}/log/maillog
maillog_file_prefixes = {d}
myhostname = {host}
mydestination =
mynetworks = 127.0.0.0/8
inet_protocols = ipv4
inet_interfaces = all
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtpd_peername_lookup = no
alias_maps =
alias_database =
local_recipient_maps =
default_database_type = hash
smtputf8_enable = no
smtpd_tls_session_cache_database =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
"""

POSTFIX_MASTER = """
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


def postfix(root, d, host, settings, port='25'):
    """Writes a configuration and returns (command, environment)."""
    for sub in ('etc', 'lib', 'log', 'spool'):
        os.makedirs(f'{d}/{sub}')
    with open(f'{d}/etc/main.cf', 'w') as f:
        f.write(POSTFIX_CF.format(d=d, root=root, host=host))
        for k, v in settings.items():
            f.write(f'{k} = {v}\n')
    with open(f'{d}/etc/master.cf', 'w') as f:
        f.write(POSTFIX_MASTER.format(port=port))
    with open(f'{d}/etc/dynamicmaps.cf', 'w'):
        pass
    shutil.chown(f'{d}/lib', 'uucp')
    for sub in ('active', 'bounce', 'corrupt', 'defer', 'deferred', 'flush', 'hold', 'incoming', 'private', 'saved', 'trace'):
        os.makedirs(f'{d}/spool/{sub}', 0o700)
        shutil.chown(f'{d}/spool/{sub}', 'uucp')
    for sub, mode in (('maildrop', 0o730), ('public', 0o710)):
        os.makedirs(f'{d}/spool/{sub}')
        shutil.chown(f'{d}/spool/{sub}', 'uucp', 'news')
        os.chmod(f'{d}/spool/{sub}', mode)
    os.makedirs(f'{d}/spool/pid')
    return ([f'{root}/usr/lib/postfix/sbin/master', '-c', f'{d}/etc'],
            {'LD_LIBRARY_PATH': f'{root}/usr/lib/postfix', 'MAIL_CONFIG': f'{d}/etc'})


EXIM_CF = """
primary_hostname = {host}
spool_directory = {d}/spool
log_file_path = {d}/log/%slog
pid_file_path = {d}/exim.pid
domainlist local = {local}
daemon_smtp_ports = {port}
local_interfaces = {interface}
disable_ipv6 = true
host_lookup =
rfc1413_hosts =
prdr_enable = false
{tls}chunking_advertise_hosts = *
keep_environment =
trusted_users = root
never_users =
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data
acl_smtp_vrfy = accept
{main}
begin acl
acl_rcpt:
  accept domains = +local
  accept authenticated = *
  accept hosts = 127.0.0.1
  deny message = 5.7.1 Unable to relay for $local_part@$domain
acl_data:
  accept
begin routers
{routers}
begin transports
out:
  driver = smtp
  hosts_try_fastopen =
{transport}
  command_timeout = 8s
  final_timeout = 5s
bin:
  driver = appendfile
  file = {d}/log/mailbox
  user = Debian-exim
begin retry
* * F,1h,5s
begin authenticators
{auth}
"""

# a user and a password that exist nowhere else
PLAIN_AND_LOGIN = """
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{user}}{eq{$auth3}{lab-only}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${if and{{eq{$auth1}{user}}{eq{$auth2}{lab-only}}}}
  server_set_id = $auth1
"""

DELIVER = """
drop:
  driver = accept
  transport = bin
"""


def exim(d, host, local='example.com', main='', auth='', routers=DELIVER, transport='  hosts_try_chunking =',
         interface='0.0.0.0', port=25, tls='tls_advertise_hosts =\n'):
    """Exim in the foreground; its queue runs every five seconds."""
    for sub in ('spool', 'log'):
        os.makedirs(f'{d}/{sub}')
    with open(f'{d}/exim.conf', 'w') as f:
        f.write(EXIM_CF.format(d=d, host=host, local=local, main=main, auth=auth, routers=routers, transport=transport,
                               interface=interface, port=port, tls=tls))
    subprocess.run(['chown', '-R', 'Debian-exim:Debian-exim', f'{d}/spool', f'{d}/log'], check=True)
    os.chmod(d, 0o755)
    shutil.chown(d, 'Debian-exim')
    return ['exim4', '-C', f'{d}/exim.conf', '-bdf', '-q5s']


def exim_client(d, host, server, **more):
    """Exim as the sender: everything that arrives on its loopback port goes to `server`."""
    route = f'away:\n  driver = manualroute\n  transport = out\n  route_list = * {server}\n  self = send\n'
    return exim(d, host, local='', routers=route, interface='127.0.0.1', port=2525, **more)


SENDMAIL_CF = r"""
V10/Berkeley
Cwlocalhost
Dj{host}
CO@ % !
DnMAILER-DAEMON
Dlplaceholder
O AllowBogusHELO=False
O DaemonPortOptions=Name=MTA, Addr=0.0.0.0, Port=25
O QueueDirectory={d}/spool
O PidFile={d}/sendmail.pid
O StatusFile={d}/statistics
O SmtpGreetingMessage=$j Sendmail $v; $b
O DontBlameSendmail=GroupWritableDirPathSafe,WorldWritableDirPathSafe,GroupReadableKeyFile
O DefaultUser=nobody
O Timeout.ident=0
O HelpFile=/dev/null
O ConnectionRateThrottle=0
O OldStyleHeaders=True
O TempFileMode=0600
O LogLevel=9
O MaxRecipientsPerMessage=100
Troot
H?x?Full-Name: $x
HReceived: $?sfrom $s $.by $j; $b

Scanonify=3
R$* < $+ > $*		$2
Sfinal=4
R$*			$@ $1
Sparse=0
R$*			$#local $: $1
Slocaladdr=5
Scheck_mail
R$*			$@ OK
Scheck_rcpt
R$*			$@ OK
Scheck_relay
R$*			$@ OK

Mlocal,	P=/bin/true, F=lsDFMAw5:/|@qPSXfmnz9, S=0, R=0, T=DNS/RFC822/X-Unix, A=true
Mprog,	P=/bin/sh, F=lsDFMoqeu9, S=0, R=0, D=/, T=X-Unix/X-Unix/X-Unix, A=sh -c $u
"""


def sendmail(root, d, host):
    """The one of the three that quotes an unknown command in its refusal."""
    os.makedirs(f'{d}/spool', 0o700)
    with open(f'{d}/sendmail.cf', 'w') as f:
        f.write(SENDMAIL_CF.replace('{d}', d).replace('{host}', host).lstrip())
    os.chmod(f'{d}/sendmail.cf', 0o644)
    return [f'{root}/usr/libexec/sendmail/sendmail', '-C', f'{d}/sendmail.cf', '-bD', '-q10m']
