# SPDX-License-Identifier: BSD-2-Clause
#
# The directives of the cache: what -t says of what they do not take, which one
# wins where a store is beside it, and what is passed to every protocol.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

# In a location, and what -t says of it; nothing: it is taken.
my @in_location = (
    ['proxy_cache one; proxy_store on;',
     '"proxy_store" directive is incompatible with "proxy_cache"'],
    ['proxy_store on; proxy_cache one;',
     '"proxy_cache" directive is incompatible with "proxy_store"'],
    ['proxy_cache nope;',
     '"proxy_cache" zone "nope" is unknown'],
    ['proxy_cache_valid foo 1s;',
     'invalid status "foo"'],
    ['proxy_cache_valid 99 1s;',
     'invalid status "99"'],
    ['proxy_cache_valid 200 xx;',
     'invalid time value "xx"'],
    ['proxy_cache_valid;',
     'invalid number of arguments in "proxy_cache_valid" directive'],
    ['proxy_cache_methods FOO;',
     'invalid value "FOO"'],
    ['proxy_cache_use_stale foo;',
     'invalid value "foo"'],
    ['fastcgi_cache one; fastcgi_pass 127.0.0.1:1;',
     'the shared memory zone "one" is already declared for a different use'],
    ['proxy_cache_min_uses x;',
     '"proxy_cache_min_uses" directive invalid number'],
    ['proxy_cache_lock x;',
     'invalid value "x" in "proxy_cache_lock" directive, it must be "on" or "off"'],
    ['proxy_cache_max_range_offset -1;',
     '"proxy_cache_max_range_offset" directive invalid value'],
    ['proxy_cache "";',
     '"proxy_cache" zone "" is unknown'],
    ['proxy_cache $x$host;',
     'unknown "x" variable'],
    ['proxy_cache_path;',
     '"proxy_cache_path" directive is not allowed here'],
    ['proxy_cache_use_stale off error;',
     ''],
    ['proxy_cache_lock_age x;',
     '"proxy_cache_lock_age" directive invalid value'],
    ['proxy_cache off; proxy_cache one;',
     '"proxy_cache" directive is duplicate'],
    ['proxy_cache_bypass $nope;',
     'unknown "nope" variable'],
    ['proxy_cache_use_stale updating updating;',
     'duplicate value "updating"'],
    ['proxy_no_cache;',
     'invalid number of arguments in "proxy_no_cache" directive'],
    ['proxy_cache_valid 200 10m; proxy_cache_valid any 0;',
     ''],
);

# The arguments of proxy_cache_path.
my @paths = (
    ['%%TESTDIR%%/c keys_zone=one',
     'invalid keys zone size "keys_zone=one"'],
    ['%%TESTDIR%%/c keys_zone=one:1k',
     'keys zone "keys_zone=one:1k" is too small'],
    ['%%TESTDIR%%/c levels=3 keys_zone=one:1m',
     'invalid "levels" "levels=3"'],
    ['%%TESTDIR%%/c levels=1:2:3 keys_zone=one:1m',
     'invalid "levels" "levels=1:2:3"'],
    ['%%TESTDIR%%/c levels=1:2:2:2 keys_zone=one:1m',
     'invalid "levels" "levels=1:2:2:2"'],
    ['%%TESTDIR%%/c levels=x keys_zone=one:1m',
     'invalid "levels" "levels=x"'],
    ['%%TESTDIR%%/c foo=1 keys_zone=one:1m',
     'invalid parameter "foo=1"'],
    ['%%TESTDIR%%/c inactive=z keys_zone=one:1m',
     'invalid inactive value "inactive=z"'],
    ['%%TESTDIR%%/c max_size=z keys_zone=one:1m',
     'invalid max_size value "max_size=z"'],
    ['%%TESTDIR%%/c min_free=z keys_zone=one:1m',
     'invalid min_free value "min_free=z"'],
    ['%%TESTDIR%%/c loader_files=0 keys_zone=one:1m',
     ''],
    ['%%TESTDIR%%/c manager_sleep=q keys_zone=one:1m',
     'invalid manager_sleep value "manager_sleep=q"'],
    ['%%TESTDIR%%/c use_temp_path=z keys_zone=one:1m',
     'invalid use_temp_path value "use_temp_path=z", it must be "on" or "off"'],
    ['%%TESTDIR%%/c keys_zone=one:1m keys_zone=two:1m',
     ''],
    ['%%TESTDIR%%/c keys_zone=:1m',
     '"proxy_cache_path" must have "keys_zone" parameter'],
    ['%%TESTDIR%%/c keys_zone=a:1m; proxy_cache_path %%TESTDIR%%/d keys_zone=a:1m',
     'duplicate zone "a"'],
    ['%%TESTDIR%%/c keys_zone=a:1m; proxy_cache_path %%TESTDIR%%/c keys_zone=b:1m',
     'the same path name "%%TESTDIR%%/c" used'],
    ['%%TESTDIR%%/c keys_zone=a:1m; fastcgi_cache_path %%TESTDIR%%/d keys_zone=a:1m',
     'the shared memory zone "a" is already declared for a different use'],
    ['%%TESTDIR%%/c levels=1: keys_zone=one:1m',
     'invalid "levels" "levels=1:"'],
    ['%%TESTDIR%%/c purger=x keys_zone=one:1m',
     is_oracle() ? 'invalid parameter "purger=x"'
                 : 'invalid purger value "purger=x", it must be "on" or "off"'],
    ['%%TESTDIR%%/c keys_zone=a:1m; limit_req_zone $uri zone=a:1m rate=1r/s',
     'the shared memory zone "a" is already declared for a different use'],
    ['%%TESTDIR%%/c keys_zone=a:1m max_size=0 min_free=0 loader_threshold=0',
     ''],
    ['%%TESTDIR%%/c levels=1:2',
     '"proxy_cache_path" must have "keys_zone" parameter'],
);

my $t = Weir::Test->new;

sub check {
    my ($what, $says, $text) = @_;
    my $r = conf_test("%%GLOBALS%%\nevents {}\nhttp {\n%%GLOBALS_HTTP%%\n$text}\n",
                      test => $t);

    return is $r->{code}, 0, $what if $says eq '';
    $says = $t->expand($says);
    like $r->{err}, qr/\] \Q$says\E( |$)/m, $what;
}

my $path = 'proxy_cache_path %%TESTDIR%%/c keys_zone=one:1m;';
check("$_->[0] ", $_->[1], "$path\nserver { location / { $_->[0]\n} }\n")
    for @in_location;
check("path $_->[0]", $_->[1], "proxy_cache_path $_->[0];\n") for @paths;

check('no key', 'no "fastcgi_cache_key" for "fastcgi_cache"',
      "fastcgi_cache_path %%TESTDIR%%/f keys_zone=f:1m;\n"
      . "server { location / { fastcgi_cache f; fastcgi_pass 127.0.0.1:1; } }\n");

# A block's own store takes the place of a cache of the blocks around it, and
# the other way round.
$t = Weir::Test->new;
$t->mkdir('store');
chmod 0777, $t->path('store');
my $backend = Weir::Backend->http(sub {
    return "HTTP/1.1 200 OK\r\nCache-Control: max-age=100\r\n"
        . "Content-Length: 2\r\n\r\nhi";
});
my $up = $backend->port;
$t->run(<<"EOC");
%%HTTP%%
    proxy_cache_path %%TESTDIR%%/c keys_zone=one:1m;
    add_header X-Cache [\$upstream_cache_status];
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_cache one;
        location /a/ { proxy_store %%TESTDIR%%/store\$uri;
            proxy_pass http://127.0.0.1:$up; }
    }
    server {
        listen 127.0.0.1:%%PORT_b%%;
        proxy_store %%TESTDIR%%/store\$uri;
        location /b/ { proxy_cache one; proxy_pass http://127.0.0.1:$up; }
        location /c/ { proxy_pass http://127.0.0.1:$up; }
    }
}
EOC
is $t->get('/a/x')->header('X-Cache'), '[]', 'a store inside';
ok wait_until(sub { -f $t->path('store/a/x') }), '... keeps it';
is $t->get('/b/x', port => $t->port('b'))->header('X-Cache'), '[MISS]',
    'a cache inside';
is $t->get('/c/x', port => $t->port('b'))->header('X-Cache'), '[]',
    'the store of the outer block';
ok wait_until(sub { -f $t->path('store/c/x') }), '... keeps it';
ok !-e $t->path('store/b/x'), '... not that of the cache';

done_testing;
