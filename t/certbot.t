# SPDX-License-Identifier: BSD-2-Clause
#
# certbot's nginx plugin with a real ACME server (Pebble), as an administrator
# uses it: it reads our version and configuration, answers the challenge by a
# reload, writes "listen 443 ssl" and the certificate into the configuration,
# renews, and takes back what it did.  All of it in a network of its own, where
# ports 80 and 443 are nobody else's.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::TLS;

plan skip_all => 'no certbot with its nginx plugin, no pebble: sh auto/deps test installs them'
    if grep { !-e } qw(/usr/bin/certbot /usr/bin/pebble /usr/bin/pebble-challtestsrv
                       /usr/lib/python3/dist-packages/certbot_nginx);
if (!$ENV{OWN_NETWORK}) {
    plan skip_all => 'no network of its own, which takes root'
        if $> != 0 || system('unshare -n ip link set lo up 2>/dev/null') != 0;
    $ENV{OWN_NETWORK} = 1;
    exec 'unshare', '-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh',
        $^X, "-I$FindBin::Bin/lib", $0 or die "unshare: $!\n";
}
need_tls();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->issue('acme', names => ['127.0.0.1']);


# start($log, @command): in the background, until the test ends.
sub start {
    my ($log, @command) = @_;

    my $pid = fork // die "fork: $!\n";
    return if $pid;
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', $t->path($log);
    open STDERR, '>&', \*STDOUT;
    exec 'timeout', 300, @command or POSIX::_exit(127);
}

# certbot(@args): its exit code; what it says is shown when that is not 0.
sub certbot {
    my ($text, $code) = Weir::TLS::run('', 'certbot', @_, '-n',
        '--nginx-server-root', $t->dir, '--nginx-ctl', Weir::Test::binary_path(),
        (map { ("--$_-dir", $t->path("le-$_")) } qw(config work logs)),
        '--server', 'https://127.0.0.1:14000/dir', '--no-verify-ssl');

    diag $text, $t->read('error.log') if $code != 0;
    return $code;
}

# fetch($url): (body, status, exit code), and the certificate must be Pebble's.
sub fetch { return curl($_[0], '--connect-to', '::127.0.0.1:') }

sub serial {
    my ($name) = @_;
    my $text = s_client(443, "GET / HTTP/1.0\r\n\r\n", '-servername', $name);

    return (Weir::TLS::run($text, qw(openssl x509 -noout -serial -ext subjectAltName)))[0];
}

$t->write('pebble.json', <<"EOC");
{ "pebble": {
    "listenAddress": "127.0.0.1:14000",
    "managementListenAddress": "127.0.0.1:15000",
    "certificate": "@{[$pki->path('acme.pem')]}",
    "privateKey": "@{[$pki->path('acme.key')]}",
    "httpPort": 80, "tlsPort": 443,
    "ocspResponderURL": "", "externalAccountBindingRequired": false
} }
EOC
start('names.log', 'pebble-challtestsrv', '-defaultIPv6', '', '-http01', '',
      '-https01', '', '-tlsalpn01', '', '-dns01', '127.0.0.1:8053');
@ENV{qw(PEBBLE_VA_NOSLEEP PEBBLE_WFE_NONCEREJECT)} = (1, 0);
start('pebble.log', 'pebble', '-config', $t->path('pebble.json'),
      '-dnsserver', '127.0.0.1:8053');

$t->write('html/index.html', 'the shop');
$t->write('sites/shop.conf', $t->expand(<<'EOC'));
server {
    listen 80;
    listen [::]:80;
    server_name shop.test www.shop.test;
    root %%TESTDIR%%/html;
}
EOC
# No spare room: what certbot does not know must not confuse it.
$t->run(<<'EOC');
%%HTTP%%
    server {
        listen 80 default_server;
        listen [::]:80 default_server;
        server_name _;
        return 404;
    }
    include %%TESTDIR%%/sites/*.conf;
}
EOC
ok wait_until(sub { $t->read('pebble.log') =~ /Listening on/
                        && $t->read('names.log') =~ /8053/ }), 'an ACME server';
my @workers = $t->worker_pids;
my @names = ('-d', 'shop.test', '-d', 'www.shop.test');

is certbot('run', '--nginx', @names, '--agree-tos', '--redirect',
           '--register-unsafely-without-email'), 0, 'certbot --nginx';
like $t->read('sites/shop.conf'), qr/^\s*listen 443 ssl; # managed by Certbot$/m, 'it wrote';
unlike $t->read('nginx.conf'), qr/acme-challenge|Certbot/, 'and took the challenge back';
is join(' ', (fetch('https://shop.test/'))[0, 1]), 'the shop 200', 'https';
my $first = serial('shop.test');
like $first, qr/DNS:shop\.test, DNS:www\.shop\.test/, 'with its certificate';
is((curl('http://shop.test/a?b', '--connect-to', '::127.0.0.1:', '-o', '/dev/null', '-w', '%{redirect_url}'))[0],
   'https://shop.test/a?b', 'http is sent there');
is((fetch('http://other.test/'))[1], 404, 'other names are as they were');
is((run_binary('-t', '-c', $t->path('nginx.conf')))[0], 0, '-t');
is join(' ', $t->worker_pids), "@workers", 'the same workers' if lives_on();

is certbot('renew', '--force-renewal', '--no-random-sleep-on-renew'), 0, 'certbot renew';
ok wait_until(sub { my $now = serial('shop.test');
                    $now ne $first && $now =~ /DNS:www/ }), 'a new certificate';
is certbot('enhance', '--nginx', '--hsts', '--cert-name', 'shop.test'), 0, 'certbot enhance';
ok wait_until(sub {
    my ($head) = curl('https://shop.test/none', '-D', '-', '-o', '/dev/null');
    $head =~ /^Strict-Transport-Security: max-age=31536000\r$/mi;
}), 'the field is there, for errors, too';

is certbot('rollback', '--installer', 'nginx', '--checkpoints', 10), 0, 'certbot rollback';
unlike $t->read('sites/shop.conf'), qr/Certbot/, 'takes all back';
ok $t->reload, 'which is served';
is join(' ', (fetch('http://shop.test/'))[0, 1]), 'the shop 200', 'as before';

done_testing;
