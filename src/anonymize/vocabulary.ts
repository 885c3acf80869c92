/**
 * Words that name nobody: of the protocol, of servers and proxies, and of what they usually say. A word of a packet that is
 * not among them becomes a pseudonym, so a word that is missing here costs readability and no secret.
 *
 * Lower case; words of up to three letters are never replaced and need not stand here.
 */
const WORDS = `
helo ehlo lhlo mail from rcpt data rset noop quit help vrfy expn turn atrn etrn bdat last auth starttls soml saml send verb
burl xclient xforward xexch50 exps xrdst xrcpt xadr xqueue xone xaol tarpit
size pipelining dsn 8bitmime binarymime chunking smtputf8 enhancedstatuscodes deliverby checkpoint submitter mtrk onex
futurerelease no-soliciting requiretls limits rcptmax mailmax prdr conneg conperm utf8smtp utf8smtpa 8bit 7bit body ret envid
notify orcpt hdrs full never success failure delay rfc822 utf-8 addr by holdfor holduntil mt-priority
x-link2state x-exps x-anonymoustls x-exprops x-exch-trace x-rdst link2state anonymoustls xshadow xoorg xproxy xproxyfrom
login plain cram-md5 digest-md5 ntlm gssapi scram-sha-1 scram-sha-256 xoauth2 oauthbearer kerberos external anonymous
smtp esmtp lmtp smtps submission service server services ready version build postfix exim sendmail exchange microsoft windows
domino lotus qmail debian ubuntu centos redhat fedora gnu freebsd netqmail opensmtpd hmailserver mdaemon communigate mercury
release system internet network gateway firewall firewall-1 proxy relay security scanner antivirus anti virus spam filter
check point watchguard firebox raptor symantec enterprise toolkit gauntlet smap borderware mxtreme genugate sonicwall
barracuda avast norton trend micro interscan imss mcafee webshield avmailgate avira f-secure gatekeeper traffic inspector
gate arkoon universal cisco mailguard esmtps inspection masked
hello pleased meet your greetings welcome goodbye closing connection transmission channel bye thank thanks using again
okay queued queue accepted accept complete completed delivery delivered deliver message messages mail mails begin start started
input with enter single line lines itself ending termination terminated begun sending continue proceed help commands command
supported support topics more information contact administrator postmaster abuse
error errors syntax parameters parameter arguments argument unrecognized unrecognised unknown invalid illegal bad sequence
implemented implement required requires require missing expected unexpected unable cannot could should must need first before
after only once twice later retry temporarily temporary permanent failed failure fail failing failures refused rejected reject
denied deny access relaying relay prohibited allowed allow permitted authentication authenticated authenticate authorization
authorized credentials incorrect password username user users mailbox mailboxes unavailable exist exists found nonexistent
disabled enabled inactive active account recipient recipients sender senders address addresses domain domains host hostname
hosts name local remote resolve resolved lookup reverse record records blocked block list listed blacklist blacklisted
greylisted greylist graylisted greylisting graylisting defer deferred limit limits exceeded exceeds exceed maximum minimum
many much long large small size quota over full storage insufficient resources resource load busy high rate throttled
timeout timed timing wait waiting seconds minutes hours closed close dropped drop lost broken pipe reset terminate shutdown
shutting down unexpectedly policy violation content spam rejected virus infected detected header headers body type types part
parts not valid verify verified verification verifying cert certificate encryption encrypted must issue issued tls ssl
protocol session sessions state already given specified specify provided please this that these those have has been will
would from your here there their them they what when where which while without within into onto upon than then also both each
other others another some such same very well back next last left right none nothing some anything
accepting accepts offers offer answered answer reply replies response responses request requests processing process processed
internal external general local error action aborted taken performed executed successful successfully succeeded status
number numbers code codes value values format formatted quoted character characters octets bytes byte text html plain lines
first second third date time local day
message-id content-type content-transfer-encoding mime-version subject received return-path delivered-to reply-to references
in-reply-to date sender cc bcc x-mailer user-agent content-disposition content-id content-description
multipart mixed alternative related report application octet-stream image audio video rfc822-headers delivery-status
report-type boundary charset name filename base64 quoted-printable binary us-ascii iso-8859-1 text attachment inline
reporting-mta final-recipient original-recipient action diagnostic-code remote-mta last-attempt-date arrival-date
original-message-id original-envelope-id x-original-message-id
jan feb mar apr may jun jul aug sep oct nov dec mon tue wed thu fri sat sun
january february march april june july august september october november december
monday tuesday wednesday thursday friday saturday sunday cest wita nzdt aest acst awst nzst hadt
localhost localdomain loopback ipv6
crlf ascii latin icmp from-to inside outside dmz interface interfaces classification class match matched matching masked
dropped logged request length body-length line-length header-length ehlo-reply-parameter mask-banner cmd mime invalid-recipient
filename-length sender-address special-character recipient-count asa pix fwsm inspect esmtp fixup
certain likely possible cmap read pipeconnect handler implementation generic unsolicited packet secure tcp_sack multi news
recognized recognised understood understand greeting greetings wrong read seen sent send able nice good luck sorry flush flushed
about above across after again against along among around because been being below between both does doing done down during few
further hence hold holding holds keep keeps kept know known like look looking made make makes might more most much need needs
never nobody not now often only open opened otherwise out part past play possible rather really right same say says shall since
site sites so still such sure take takes tell tells test testing tested than therefore though through time times today together
tomorrow too toward try trying under unless until upon used useful using usually via want was way well were whatever whether
whole whose why will work working works yes yet
`;

export const VOCABULARY: ReadonlySet<string> = new Set(WORDS.split(/\s+/).filter(Boolean));
