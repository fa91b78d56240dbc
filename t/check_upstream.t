# SPDX-License-Identifier: BSD-2-Clause
#
# weir check upstream: what it says of names, connections, certificates and
# answers, and its exit code.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::DNS;
use Weir::TLS;
use Weir::Test;

if (is_oracle()) {
    plan(skip_all => 'nginx has no such command');
    exit;
}

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->issue('site', names => ['site.test']);
my $backend = Weir::Backend->http(sub {
    my ($request) = @_;
    my $status = ($request->header('Host') // '') eq 'shop.example'
        ? '200 Fine' : '500 Who';
    return "HTTP/1.1 $status\r\nContent-Length: 0\r\n\r\n";
});
my $up = $backend->port;
my $dns = Weir::DNS->new($t);
$dns->set('one.test' => ['A 60 127.0.0.1']);
my $dead = Weir::Ports::free_port();

$t->run(<<"EOC");
%%HTTP%%
    upstream app { server localhost:$up; server 127.0.0.1:$dead; }
    upstream gone { server 127.0.0.1:$dead; }
    upstream other { server 127.0.0.1:$up; }
    upstream secure { server 127.0.0.1:%%PORT_tls%%; }
    upstream named { server nosuch.invalid:$up; }
    upstream asked { resolver @{[ $dns->address ]}; server one.test:$up resolve; }
    upstream idle { server 127.0.0.1:$up; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://app; proxy_set_header Host shop.example; }
        location /gone { proxy_pass http://gone; }
        location /asked { proxy_pass http://asked; proxy_set_header Host shop.example; }
        location /other { proxy_pass http://other; }
        location /secure { proxy_pass https://secure; }
        location /named { proxy_pass http://named; }
    }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        ssl_certificate @{[ $pki->path('site.pem') ]};
        ssl_certificate_key @{[ $pki->path('site.key') ]};
        return 204;
    }
}
EOC

sub check {
    my ($name) = @_;
    my ($code, $out, $err) = run_binary('check', 'upstream', $name,
        '-c', $t->path('nginx.conf'), '-p', $t->dir . '/');
    return ($code, $out, $err);
}

my ($code, $out) = check('app');
is $code, 0, 'one would serve';
like $out, qr/^upstream app \(\S+:\d+\)\n/, 'the group';
like $out, qr/name localhost: 127\.0\.0\.1.* \(hosts file\)/, 'its name';
like $out, qr/127\.0\.0\.1:$up\n    connected in \S+ ms\n    answered in \S+ ms: 200 Fine\n/,
    'asked as the location asks';
like $out, qr/127\.0\.0\.1:$dead\n    FAILS: connect\(\) failed \(111: Connection refused\)/,
    'the other one';

($code, $out) = check('gone');
is $code, 1, 'none would';
like $out, qr/no server would serve/, 'which is said';
($code, $out) = check('other');
is $code, 1, 'an answer that is an error';
like $out, qr/answered in \S+ ms: 500 Who\n    FAILS: 500 Who while checking status code/,
    'is shown';
($code, $out) = check('secure');
is $code, 0, 'TLS';
like $out, qr/TLS in \S+ ms: TLSv1\.\d\n      certificate 0: .*expires in \d+ days?/,
    'its certificate';
like $out, qr/it is not for "secure" \(not verified\)/, 'of another name';
($code, $out) = check('named');
is $code, 1, 'a name';
like $out, qr/name nosuch\.invalid: FAILS: /, 'that nobody knows';
($code, $out) = check('asked');
is $code, 0, 'a name that a name server knows';
like $out, qr/name one\.test: 127\.0\.0\.1/, '... is asked for';
($code, $out) = check('idle');
is $code, 0, 'no location: it connects';
($code, $out, my $err) = check('none');
is $code, 1, 'no such upstream';
like $err, qr/check: no upstream "none"/, 'is told';
($code, $out) = check("127.0.0.1:$up");
is $code, 1, 'nor such a host';

done_testing;
