# SPDX-License-Identifier: BSD-2-Clause
#
# ssl_early_data with HTTP/2: streams before the end of the handshake, beside others
# behind it, on one connection.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::H2 qw(frame $PREFACE);
use Weir::Test;
use Weir::TLS;

plan skip_all => 'nginx 1.22 may have read the end of the handshake before' if is_oracle();
need_tls();
need_module('http_v2');

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->issue('a');
$t->run(<<'EOC');
%%HTTP%%
    ssl_certificate %%TESTDIR%%/tls/a.pem;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    ssl_protocols TLSv1.3;
    ssl_early_data on;
    log_format early "$request_method $request_uri $status [$ssl_early_data]";
    access_log %%TESTDIR%%/early.log early;
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        http2 on;
        location / { return 200 "early=[$ssl_early_data] $request_uri\n"; }
        location /up { proxy_set_header Early-Data $ssl_early_data; proxy_pass http://127.0.0.1:%%PORT_b%%; }
        location /safe { if ($ssl_early_data) { return 425; } return 200 "safe\n"; }
    }
    server {
        listen 127.0.0.1:%%PORT_off%% ssl;
        http2 on;
        ssl_early_data off;
        location / { return 200 "early=[$ssl_early_data] $request_uri\n"; }
    }
    server {
        listen 127.0.0.1:%%PORT_b%%;
        access_log off;
        location / { return 200 "Early-Data: [$http_early_data]\n"; }
        location /up/425 { if ($http_early_data) { return 425 "too early\n"; } return 200 "in time\n"; }
    }
}
EOC

my $start = $PREFACE . frame(4, 0, 0);

sub head {
    my ($id, $path, $method, $flags) = @_;
    return frame(1, $flags // 5, $id, Weir::Hpack::encode(':method', $method // 'GET',
        ':scheme', 'https', ':path', $path, ':authority', 'a.test'));
}

# The server has no more to say than that, and closes.
my $end = frame(7, 0, 0, pack 'NN', 0, 0);

sub of_h2 { return s_client($t->port(shift), shift, qw(-tls1_3 -alpn h2), @_) }

my $session = $t->path('session');
like of_h2('', $start . head(1, '/first') . $end, '-sess_out', $session),
    qr/^.*early=\[\] \/first$/m, 'a connection without';

# early($first, $second): what the client prints that sends one of them early, the
# other one after the handshake.
sub early {
    my ($first, $second, $port) = @_;

    $t->write('early', $first);
    return of_h2($port // '', $second, '-sess_in', $session, '-early_data', $t->path('early'));
}

my $text = early($start . head(1, '/one'), head(3, '/two') . $end);
like $text, qr/Early data was accepted/, 'accepted';
like $text, qr/early=\[1\] \/one$/m, 'known to be early';
like $text, qr/early=\[\] \/two$/m, 'a stream behind the handshake is not';

$text = early($start . join('', map { head(2 * $_ - 1, "/n$_") } 1 .. 20), $end);
is scalar(() = $text =~ /early=\[1\] \/n\d+$/mg), 20, '20 streams at once';

$text = early($start . head(1, '/up'), head(3, '/up') . $end);
like $text, qr/Early-Data: \[1\]$/m, 'passed on';
like $text, qr/Early-Data: \[\]$/m, 'and only then';

$text = early($start . head(1, '/safe'), head(3, '/safe') . $end);
like $text, qr/safe\n/, 'refused with 425, and asked again';
$text = early($start . head(1, '/up/425'), head(3, '/up/425') . $end);
like $text, qr/too early\n.*in time\n/s, 'the same from an upstream';

# A stream may begin early and end late.
$text = early($start . head(1, '/up', 'POST', 4) . frame(0, 0, 1, 'a'), frame(0, 1, 1, 'b') . $end);
like $text, qr/Early-Data: \[1?\]$/m, 'a body whose end comes later';
$text = early(substr($start, 0, 20), substr($start, 20) . head(1, '/one') . $end);
like $text, qr/early=\[\] \/one$/m, 'a part of the preface';
$text = early($start, head(1, '/one') . $end);
like $text, qr/early=\[\] \/one$/m, 'no more than a preface';

$text = early($start . head(1, '/one'), $start . head(1, '/two') . $end, 'off');
like $text, qr/Early data was rejected/, 'off: not accepted';
like $text, qr/early=\[\] \/two$/m, 'off: what follows is';
unlike $text, qr/\/one$/m, 'off: what was early is not';

my $log = $t->read('early.log');
like $log, qr/^GET \/safe 425 \[1\]\n(?:.*\n)*GET \/safe 200 \[\]$/m, 'the log has both';
unlike join("\n", $t->log), qr/\[(?:warn|error|crit|alert|emerg)\]/, 'nothing is wrong';
done_testing;
