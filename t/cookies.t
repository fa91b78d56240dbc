# SPDX-License-Identifier: BSD-2-Clause
#
# Cookies: how Cookie fields are split, what $upstream_cookie_NAME finds, and
# what proxy_cookie_domain, proxy_cookie_path and proxy_cookie_flags make of
# the Set-Cookie fields of an upstream.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
my $backend = Weir::Backend->http(sub {
    my ($request) = @_;

    return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: "
        . $request->header('X-Set') . "\r\n\r\n";
});
my $up = $backend->port;

my %rules = (
    domain => 'proxy_cookie_domain up.test new.test;',
    dots => 'proxy_cookie_domain .up.test .new.test;',
    variable => 'proxy_cookie_domain .$host .$host.new;',
    pattern => 'proxy_cookie_domain ~\.?up\.(\w+)$ .$1.new;',
    nodomain => 'proxy_cookie_domain up.test "";',
    path => 'proxy_cookie_path /up/ /new/;',
    repath => 'proxy_cookie_path ~^/up(.*) /new$1;',
    flags => 'proxy_cookie_flags A secure httponly samesite=lax;',
    noflags => 'proxy_cookie_flags ~. nosecure nohttponly nosamesite;',
    given => 'proxy_cookie_flags ~. $arg_f;',
);
my $locations = join "\n", map {
    "location /$_ { proxy_pass http://127.0.0.1:$up/; $rules{$_} }"
} sort keys %rules;
$t->run(<<"EOC");
%%HTTP%%
    proxy_http_version 1.1;
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name up.test;
        $locations
        location /cookie { return 200 "[\$cookie_a][\$cookie_b][\$cookie_]"; }
        location /upstream {
            proxy_pass http://127.0.0.1:$up/;
            proxy_hide_header Set-Cookie;
            add_header X-Got "[\$upstream_cookie_a][\$upstream_cookie_b]";
        }
    }
}
EOC

# ---- Cookie

sub cookie { return $t->get('/cookie', headers => [ Cookie => $_[0] ])->body }
is cookie('a=1; b=2'), '[1][2][]', 'two cookies';
is cookie('A = 1;b= 2 ;c'), '[1][2 ][]', 'blanks around "="';
is cookie("a=1;  b=\t2"), "[1][\t2][]", 'a tab is no blank';
is cookie('ab=1; xa=2; a'), '[][][]', 'other names';
is cookie('a=1; a=2'), '[1][][]', 'the first of two';
is cookie('a="x;b=y"'), '["x][y"][]', 'quotes mean nothing';
is cookie('=7; a=1'), '[1][][7]', 'an empty name';
SKIP: {
    skip_before('1.29.6', 'commas', 3);
    is cookie('a=1, b=2'), '[1, b=2][][]', 'a comma separates nothing';
    is cookie('x, a=1'), '[][][]', 'nor starts a name';
    is cookie('x=1,2; b=a=5, a=3'), '[][a=5, a=3][]', 'nor ends a value';
}

# ---- Set-Cookie

sub set { my ($where, $cookie) = @_;
    return $t->get($where =~ m{^/} ? $where : "/$where",
        host => 'up.test', headers => [ 'X-Set' => $cookie ]) }
sub made { return set(@_)->header('Set-Cookie') }

my @cases = (
    [ 'domain', 'a=b; Domain=up.test; Path=/', 'a=b; Domain=new.test; Path=/' ],
    [ 'domain', 'a=b; domain=.UP.test', 'a=b; domain=.new.test' ],
    [ 'domain', 'a=b;  Domain = up.test ;x', 'a=b; Domain=new.test; x' ],
    [ 'domain', 'a=b;domain=up.test;DOMAIN=up.test',
      'a=b; domain=new.test; DOMAIN=new.test' ],
    [ 'domain', 'a; domain=up.test', 'a; domain=up.test' ],
    [ 'domain', '=b; domain=up.test', '=b; domain=new.test' ],
    [ 'domain', 'a=b; domain=x.up.test;x', 'a=b; domain=x.up.test;x' ],
    [ 'domain', "a=b;\tdomain=up.test", "a=b;\tdomain=up.test" ],
    [ 'domain', 'a=b; domain', 'a=b; domain' ],
    [ 'dots', 'a=b; domain=up.test', 'a=b; domain=new.test' ],
    [ 'dots', 'a=b; domain=.up.test', 'a=b; domain=.new.test' ],
    [ 'variable', 'a=b; domain=up.test', 'a=b; domain=up.test.new' ],
    [ 'variable', 'a=b; domain=.up.test', 'a=b; domain=.up.test.new' ],
    [ 'pattern', 'a=b; domain=up.test', 'a=b; domain=.test.new' ],
    [ 'pattern', 'a=b; domain=.up.test', 'a=b; domain=.test.new' ],
    [ 'nodomain', 'a=b; domain=up.test; x', 'a=b; domain=; x' ],
    [ 'path', 'a=b; Path=/up/x', 'a=b; Path=/new/x' ],
    [ 'path', 'a=b;  Path = /up/x ', 'a=b; Path=/new/x' ],
    [ 'path', 'a=b; path=/UP/', 'a=b; path=/UP/' ],
    [ 'path', 'a; path=/up/', 'a; path=/up/' ],
    [ 'path', ';a=b; path=/up/', ';a=b; path=/up/' ],
    [ 'path', 'a=b;; ;path=/up/;', 'a=b; ; ; path=/new/;' ],
    [ 'repath', 'a=b; path=/up/x', 'a=b; path=/new/x' ],
    [ 'flags', 'a=b', 'a=b; Secure; HttpOnly; SameSite=Lax' ],
    [ 'flags', 'x=b', 'x=b' ],
    [ 'flags', 'a', 'a' ],
    [ 'flags', ' a = b ;x', 'a=b; x; Secure; HttpOnly; SameSite=Lax' ],
    [ 'flags', 'a=b; SECURE; httponly=1; samesite=lax',
      'a=b; SECURE; httponly=1; samesite=lax' ],
    [ 'flags', 'a=b; samesite=none; x; secure',
      'a=b; SameSite=Lax; x; secure; HttpOnly' ],
    [ 'flags', "a=b;\tsecure",
      "a=b; \tsecure; Secure; HttpOnly; SameSite=Lax" ],
    [ 'noflags', 'a=b;secure; SECURE; x; HttpOnly; sameSite=Lax', 'a=b; x' ],
    [ 'noflags', 'a; secure', 'a; secure' ],
    [ '/given?f=SECURE', 'a=b; x', 'a=b; x; Secure' ],
    [ '/given?f=SameSite=None', 'a=b', 'a=b; SameSite=None' ],
    [ '/given?f=nosecure', 'a=b; Secure;x', 'a=b; x' ],
    [ '/given?f=other', 'a=b;x', 'a=b;x' ],
    [ '/given', 'a=b;x', 'a=b;x' ],
);
is made($_->[0], $_->[1]), $_->[2], "$_->[0]: $_->[1]" for @cases;

# ---- $upstream_cookie_NAME

sub upstream { return set('upstream', $_[0])->header('X-Got') }
is upstream('a=1; path=/'), '[1][]', 'an upstream sets a cookie';
is upstream('A = 1 ; b=2'), '[1 ][]', 'blanks in front of its value';
is upstream('b=1, a=2'), '[][1, a=2]', 'a comma in it';
is upstream('a; b=1'), '[][]', 'no cookie';

done_testing;
